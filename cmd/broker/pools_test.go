package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
)

const (
	someUserPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
	someRole     = "arn:aws:iam::000000000000:role/a"
	someSAML     = "arn:aws:iam::000000000000:saml-provider/office"
)

func configuredPool() *config.Config {
	yes := true
	return &config.Config{
		Cognito:        config.Cognito{AccountID: "000000000000"},
		LoginProviders: []config.LoginProvider{{Provider: "localhost:9229/local_1", Kind: loginkey.UserPool}},
		Pools: []config.Pool{{
			ID: "us-east-1:1", Name: "p",
			CognitoIdentityProviders: []config.PoolClient{
				{ProviderName: "issuer-" + someUserPool, ClientID: "c", ServerSideTokenCheck: &yes},
				{ProviderName: "localhost:9229/local_1", ClientID: "c"},
			},
			SupportedLoginProviders: map[string]string{"www.amazon.com": "app"},
			SAMLProviderARNs:        []string{someSAML},
			RoleMappings: map[string]config.RoleMapping{someSAML: {
				Type: "Rules", AmbiguousRoleResolution: "Deny", RulesConfiguration: config.RulesConfiguration{
					Rules: []config.MappingRule{{Claim: "a", MatchType: "Equals", Value: "b", RoleARN: someRole}},
				},
			}},
			PrincipalTags: map[string]config.PrincipalTags{
				"issuer-" + someUserPool: {UseDefaults: true}, "www.amazon.com": {PrincipalTags: map[string]string{"t": "c"}},
			},
		}},
	}
}

// A pool of the configuration has all that one of the API can have.
func TestConfiguredPools(t *testing.T) {
	got, err := pools(configuredPool())
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := []rules.Pool{{
		ID: "us-east-1:1", Name: "p", SAMLProviderARNs: []string{someSAML},
		PublicProviders: map[string]string{"www.amazon.com": "app"},
		UserPools: []rules.UserPool{
			{Provider: "issuer-" + someUserPool, ClientID: "c", ServerSideTokenCheck: &yes},
			{Provider: "localhost:9229/local_1", ClientID: "c"},
		},
		Mappings: map[string]rules.Mapping{someSAML: {Type: "Rules", Ambiguous: "Deny", Rules: []rules.Rule{
			{Claim: "a", Match: "Equals", Value: "b", Role: someRole},
		}}},
		PrincipalTags: map[string]rules.TagMap{
			someUserPool: {UseDefaults: true}, "www.amazon.com": {Tags: map[string]string{"t": "c"}},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pools (-want +got):\n%s", diff)
	}
	silent := &config.Config{Pools: []config.Pool{{ID: "us-east-1:1", Name: "p"}}}
	if got, err := pools(silent); err != nil || got[0].Mappings != nil || got[0].PrincipalTags != nil {
		t.Errorf("nothing said: got %+v, %v, want nil for what stays", got, err)
	}
}

// What only the rules know stops the start, with the pool's place.
func TestConfiguredPoolsAreChecked(t *testing.T) {
	for name, change := range map[string]func(p *config.Pool){
		"a rule's role of another account": func(p *config.Pool) {
			p.RoleMappings[someSAML].RulesConfiguration.Rules[0].RoleARN = strings.Replace(someRole, "0", "1", 12)
		},
		"a tag that begins with aws:": func(p *config.Pool) { p.PrincipalTags["www.amazon.com"].PrincipalTags["aws:x"] = "c" },
		"tags that differ in case":    func(p *config.Pool) { p.PrincipalTags["www.amazon.com"].PrincipalTags["T"] = "c" },
		"an unknown emulator":         func(p *config.Pool) { p.CognitoIdentityProviders[1].ProviderName = "localhost:1/local_1" },
	} {
		c := configuredPool()
		change(&c.Pools[0])
		if _, err := pools(c); err == nil || !strings.HasPrefix(err.Error(), "pools[0]: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The verifier of a kind gets what the configuration says, and its own issuer as none.
func TestProvidersOfTheConfiguration(t *testing.T) {
	no := false
	c := &config.Config{LoginProviders: []config.LoginProvider{
		{Provider: "accounts.google.com", Kind: loginkey.Google, Issuer: "https://accounts.google.com", ClientIDs: []string{"a"}},
		{Provider: "appleid.apple.com", Kind: loginkey.Apple, Issuer: "https://a.test"},
		{Provider: "graph.facebook.com", Kind: loginkey.Facebook, Issuer: "https://www.facebook.com", ClientIDs: []string{"1"},
			Endpoint: "https://g.test", AppSecret: config.NewSecret("secret"), LimitedLogin: &no},
		{Provider: "www.amazon.com", Kind: loginkey.Amazon},
	}}
	got, err := providers(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []struct {
		issuer, endpoint, secret string
		noLimited                bool
	}{{}, {issuer: "https://a.test"}, {endpoint: "https://g.test", secret: "secret", noLimited: true}, {}} {
		p := got[n]
		if p.Kind != c.LoginProviders[n].Kind || p.Issuer != want.issuer || p.Endpoint != want.endpoint ||
			p.AppSecret != want.secret || p.NoLimitedLogin != want.noLimited {
			t.Errorf("%s: got issuer %q, endpoint %q, no Limited Login %v", p.Name, p.Issuer, p.Endpoint, p.NoLimitedLogin)
		}
	}
	if diff := cmp.Diff(embedded.Provider{Kind: loginkey.Google, ClientIDs: []string{"a"}},
		engineProviders(c)["accounts.google.com"]); diff != "" {
		t.Errorf("the engine's (-want +got):\n%s", diff)
	}
}

func TestKeyOfAnIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://accounts.google.com": "accounts.google.com", "accounts.google.com": "accounts.google.com",
		"https://www.facebook.com": "graph.facebook.com", "https://" + someUserPool: someUserPool,
		"https://issuer-" + someUserPool: "issuer-" + someUserPool, "http://localhost:9229/local_1": "localhost:9229/local_1",
		"https://idp.test/": "idp.test", "": "", "idp.test": "",
	} {
		if got, ok := loginKeyOf(issuer); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v, want %q", issuer, got, ok, want)
		}
	}
}
