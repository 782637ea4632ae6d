package rules_test

import (
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// A pool that lists an OpenID provider by its ARN takes logins under the one key
// that the ARN ends in.
func FuzzProviderARN(f *testing.F) {
	const prefix = "arn:aws:iam::000000000000:oidc-provider/"
	for _, seed := range [][2]string{
		{prefix + "idp.example", "idp.example"}, {prefix + "idp.example/a", "idp.example"},
		{prefix + "a" + ":oidc-provider/b", "b"},
		{prefix + prefix + "x", "x"}, {"arn:aws:iam::000000000000:saml-provider/x", "x"}, {prefix, ""}, {prefix + "a\n", "a"},
		{prefix + "cognito-identity.amazonaws.com", "cognito-identity.amazonaws.com"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, arn, key string) {
		p := &rules.Pool{OIDCProviderARNs: []string{arn}}
		if rules.CheckPool(p) != nil {
			if rules.CheckPool(&rules.Pool{SAMLProviderARNs: []string{arn}}) == nil && p.Accepts(key) {
				t.Errorf("%q of SAML: got logins under %q taken", arn, key)
			}
			return
		}
		account, name, found := strings.Cut(arn, ":oidc-provider/")
		if !found || name == "" || strings.Count(account, ":") != 4 || p.Accepts(key) != (key == name) {
			t.Errorf("%q: got logins under %q taken: %v", arn, key, p.Accepts(key))
		}
		if got, ok := p.OIDCProviderARN(name); !ok || got != arn || p.ProviderNames() != name {
			t.Errorf("%q: got %q (%v) for its own key", arn, got, ok)
		}
	})
}

// A role that a pool takes is of the pool's account, and stands in the ARN once.
func FuzzRoleOfPool(f *testing.F) {
	for _, seed := range []string{roleA, foreign, "arn:aws:iam::000000000000:role/a/b/c",
		"arn:aws:iam::111111111111:role/x:iam::000000000000:role/y",
		"arn:aws-cn:iam::000000000000:role/x", "arn:aws:iam::000000000000:role//x", "arn:aws:iam::000000000000:role/x\n",
		"arn:aws:iam::000000000000:role/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		p := &rules.Pool{}
		asDefault := rules.CheckRoles(p, account, rules.Roles{Authenticated: arn}, nil) == nil
		token := google(rules.Mapping{Type: "Token", Ambiguous: "Deny"})
		byToken := rules.ChooseRole(token, account, []rules.Proven{atGoogle(claims{"cognito:preferred_role": arn})}, "").Role
		if arn != "" && asDefault != (byToken == arn) || !asDefault && byToken != "" {
			t.Errorf("%q: got %v as a default, %q by a token", arn, asDefault, byToken)
		}
		if parts := strings.SplitN(arn, ":", 6); asDefault && arn != "" &&
			(parts[4] != account || !strings.HasPrefix(parts[5], "role/")) {
			t.Errorf("%q: got it taken", arn)
		}
	})
}
