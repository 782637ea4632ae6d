package main

import (
	"net"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// The banner shows calls that the pool takes, and no others.
func TestBannerShowsWhatWorks(t *testing.T) {
	t.Parallel()
	const guest, minted, login = "AWSCognitoIdentityService.GetId", "bin/broker token -config b.yaml", `\"logins\":{\"`
	arn := "arn:aws:iam::000000000000:oidc-provider/"
	for name, tt := range map[string]struct {
		pool    config.Pool
		dev     bool
		backend string
		want    []string
		not     []string
	}{
		"guests alone":           {config.Pool{AllowUnauthenticatedIdentities: true}, false, "embedded", []string{guest}, []string{minted, login}},
		"guests and users":       {config.Pool{AllowUnauthenticatedIdentities: true}, true, "embedded", []string{guest, minted, login + "127.0.0.1:1/dev/idp"}, nil},
		"users alone":            {config.Pool{OpenIDConnectProviderARNs: []string{arn + "127.0.0.1:1/dev/idp"}}, true, "embedded", []string{minted, login}, []string{guest}},
		"users of a user pool":   {config.Pool{CognitoIdentityProviders: []config.PoolClient{{ProviderName: someUserPool}}}, false, "embedded", []string{login + someUserPool}, []string{guest, minted}},
		"users of an app":        {config.Pool{SupportedLoginProviders: map[string]string{"accounts.google.com": "a"}}, false, "embedded", []string{login + "accounts.google.com"}, []string{guest}},
		"users of an OpenID":     {config.Pool{OpenIDConnectProviderARNs: []string{arn + "idp.test"}}, false, "embedded", []string{login + "idp.test"}, []string{guest}},
		"users of SAML":          {config.Pool{SAMLProviderARNs: []string{officeARN}}, false, "embedded", []string{login + officeARN}, []string{guest}},
		"a pool that is unknown": {config.Pool{}, false, "aws", []string{guest, "if the pool takes guests"}, []string{login}},
		"nobody":                 {config.Pool{}, false, "embedded", nil, []string{guest, minted, login}},
	} {
		c := &config.Config{Mode: config.ModeDevelopment, PublicURL: "http://127.0.0.1:1", Pools: []config.Pool{tt.pool}}
		c.Cognito.Backend, c.Cognito.Store, c.Development.IdentityProvider = tt.backend, "/x/broker.db", tt.dev
		var out strings.Builder
		banner(&out, "b.yaml", c, &net.TCPAddr{})
		for _, part := range tt.want {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: got no %q in %s", name, part, out.String())
			}
		}
		for _, part := range tt.not {
			if strings.Contains(out.String(), part) {
				t.Errorf("%s: got %q in %s", name, part, out.String())
			}
		}
	}
}
