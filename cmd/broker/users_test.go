package main

import (
	"testing"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// A user pool is asked in its region, an emulator's where its name says, unless the configuration
// says where.
func TestWhereUserPoolsAreAsked(t *testing.T) {
	t.Parallel()
	for provider, want := range map[string][3]string{
		someUserPool:             {"us-east-1", "us-east-1_abc", "https://cognito-idp.us-east-1.amazonaws.com"},
		"localhost:9229/local_1": {"eu-west-1", "local_1", "http://localhost:9229"},
		"cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a": {"cn-north-1", "cn-north-1_a",
			"https://cognito-idp.cn-north-1.amazonaws.com.cn"},
	} {
		c := userPoolConfig(&config.LoginProvider{Provider: provider}, "eu-west-1")
		if got := [3]string{c.Region, c.Pool, c.Endpoint}; got != want {
			t.Errorf("%s: got %q, want %q", provider, got, want)
		}
		c = userPoolConfig(&config.LoginProvider{Provider: provider, Endpoint: "https://vpce.test"}, "eu-west-1")
		if c.Endpoint != "https://vpce.test" || c.Pool != want[1] {
			t.Errorf("%s elsewhere: got %q, %q", provider, c.Endpoint, c.Pool)
		}
	}
	all, err := userCheckers(t.Context(), &config.Config{Cognito: config.Cognito{Region: "us-east-1"},
		LoginProviders: []config.LoginProvider{
			{Provider: someUserPool, Kind: loginkey.UserPool, AdminGetUser: true}, {Provider: "idp.test", Kind: loginkey.OIDC},
		}})
	if err != nil || len(all) != 1 || all[someUserPool] == nil {
		t.Errorf("got %v, %v, want the one that is to be asked", all, err)
	}
}
