package config_test

import (
	"slices"
	"strings"
	"testing"
)

// samlMember is a SAML provider whose metadata is not looked at: the pools are refused before.
const samlMember = "  - {provider: '" + samlIssuer + "', kind: saml, metadata_file: nowhere}\n"

// A provider in a list of another kind is told the key of the pool under which it belongs.
func TestMisplacedProviders(t *testing.T) {
	lists := map[string]func(name string) string{
		"open_id_connect_provider_arns[0]": func(name string) string {
			if !strings.HasPrefix(name, "arn:") {
				name = oidcPrefix + name
			}
			return "open_id_connect_provider_arns: ['" + name + "']"
		},
		"cognito_identity_providers[0].provider_name": func(name string) string {
			return "cognito_identity_providers: [{provider_name: '" + name + "', client_id: a}]"
		},
		"supported_login_providers.": func(name string) string { return "supported_login_providers: {'" + name + "': a}" },
		"saml_provider_arns[0]":      func(name string) string { return "saml_provider_arns: ['" + name + "']" },
	}
	for name, want := range map[string]struct{ kind, key, list string }{
		"oidc.test":           {"oidc", "", "open_id_connect_provider_arns"},
		"accounts.google.com": {"google", "{accounts.google.com: ", "supported_login_providers, open_id_connect_provider_arns"},
		"appleid.apple.com":   {"apple", "{appleid.apple.com: ", "supported_login_providers, open_id_connect_provider_arns"},
		"graph.facebook.com":  {"facebook", "{graph.facebook.com: ", "supported_login_providers"},
		"www.amazon.com":      {"amazon", "{www.amazon.com: ", "supported_login_providers"},
		realPool:              {"user_pool", "{provider_name: cognito-idp.", "cognito_identity_providers"},
		"issuer-" + realPool:  {"user_pool", "{provider_name: cognito-idp.", "cognito_identity_providers"},
		samlIssuer:            {"saml", "arn:aws:iam::<account>:saml-provider/", "saml_provider_arns"},
	} {
		own := strings.Split(want.list, ", ")
		for list, in := range lists {
			key, _, _ := strings.Cut(strings.TrimSuffix(list, "."), "[")
			if slices.Contains(own, key) {
				continue
			}
			for _, spelled := range []string{name, "https://" + name} {
				if spelled != name && (strings.HasPrefix(name, "arn:") || strings.HasPrefix(list, "open_id")) {
					continue
				}
				_, err := load(t, development+allKinds+samlMember+pool(in(spelled)))
				got := message(err)
				wrong := ": is a login provider of kind " + want.kind + "; expected it in " + own[0]
				if !strings.HasPrefix(got, "pools[0]."+list) || !strings.Contains(got, wrong) || !strings.Contains(got, want.key) {
					t.Errorf("%s in %s: got %q, want %q with %q", spelled, list, got, wrong, want.key)
				}
			}
		}
	}
	for text, want := range map[string]string{
		// One that login_providers has as another kind than its name says.
		"open_id_connect_provider_arns: ['" + oidcPrefix + realPool + "x'], cognito_identity_providers: [{provider_name: " + realPool + "x, client_id: a}]": "cognito_identity_providers[0].provider_name: is a login provider of kind oidc; expected kind: user_pool in login_providers, or it in open_id_connect_provider_arns",
		"cognito_identity_providers: [{provider_name: " + realPool + "y, client_id: a}]":                                                                    "provider_name: names no login provider of kind user_pool; expected a provider of login_providers, with kind: user_pool",
		"open_id_connect_provider_arns: [accounts.google.com]":                                                                                              "open_id_connect_provider_arns[0]: is not the ARN of an OpenID provider; expected arn:aws:iam::<account>:oidc-provider/<provider>",
		"open_id_connect_provider_arns: ['" + samlIssuer + "']":                                                                                             "expected it in saml_provider_arns",
		"saml_provider_arns: ['" + oidcPrefix + "oidc.test']":                                                                                               "expected it in open_id_connect_provider_arns",
	} {
		plain := "  - {provider: " + realPool + "x, issuer: 'https://" + realPool + "x', client_ids: [a]}\n"
		if !strings.Contains(text, realPool+"x") {
			plain = ""
		}
		if _, err := load(t, development+allKinds+plain+pool(text)); !strings.Contains(message(err), want) {
			t.Errorf("%s: got %q, want %q", text, message(err), want)
		}
	}
	mustLoad(t, upstream+pool("open_id_connect_provider_arns: ['"+oidcPrefix+realPool+"']")) // IAM may have it
}

// A provider that is plainly of another kind than it says, or says none, is told the kind, whatever else it lacks.
func TestForgottenKinds(t *testing.T) {
	for text, want := range map[string]string{
		"provider: accounts.google.com":                                               "is oidc for a provider of the kind google; expected kind: google",
		"provider: Accounts.Google.com, client_ids: [a]":                              "expected kind: google",
		"provider: appleid.apple.com":                                                 "expected kind: apple",
		"provider: graph.facebook.com":                                                "expected kind: facebook",
		"provider: graph.facebook.com, app_secret: 0123456789abcdef":                  "expected kind: facebook",
		"provider: www.facebook.com":                                                  "expected kind: facebook",
		"provider: www.amazon.com":                                                    "expected kind: amazon",
		"provider: " + realPool:                                                       "expected kind: user_pool",
		"provider: issuer-" + realPool + ", admin_get_user: true":                     "expected kind: user_pool",
		"provider: '" + samlIssuer + "', metadata_file: nowhere":                      "expected kind: saml",
		"provider: a.test, issuer: 'https://accounts.google.com'":                     "is oidc for the issuer of the kind google; expected kind: google",
		"provider: a.test, issuer: 'https://" + realPool + "'":                        "is oidc for the issuer of the kind user_pool; expected kind: user_pool",
		"provider: " + realPool + ", kind: google":                                    "is google for a provider of the kind user_pool; expected kind: user_pool",
		"provider: 'localhost:9229/local_1AbCdEfG'":                                   "is oidc for a provider that is named as an emulator's user pool; expected kind: user_pool, or issuer",
		"provider: 'localhost:9229/local_1', issuer: 'http://localhost:9229/local_1'": "expected kind: user_pool",
		"provider: accounts.google.com, kind: saml":                                   "is saml for a provider of the kind google; expected kind: google",
		"provider: accounts.google.com, kind: ''":                                     "is missing; expected one of oidc, user_pool, google",
		"provider: api.twitter.com":                                                   "is oidc for a provider of the kind twitter",
		"provider: accounts.google.com}, {provider: a.test, issuer: 'x'":              "expected kind: google",
	} {
		_, err := load(t, development+provider(text))
		if want != "" {
			wantError(t, err, "login_providers[0].kind", want)
		}
	}
	mustLoad(t, development+provider("provider: 'localhost:9229/a', issuer: 'http://localhost:9229/a', client_ids: [a]"))
	_, err := load(t, development+provider("provider: '"+samlIssuer+"', metadata_file: nowhere"))
	if strings.Contains(message(err), "open_id_connect_provider_arns") {
		t.Errorf("a SAML provider: got %v, which no OpenID ARN can name", err)
	}
	// The pool's own lists do not hide it, and an ARN without an issuer is told the kind that needs none.
	_, err = load(t, development+provider("provider: accounts.google.com, client_ids: [a]")+"\n"+
		pool("supported_login_providers: {accounts.google.com: a}"))
	wantError(t, err, "login_providers[0].kind", "expected kind: google")
	_, err = load(t, development+provider("provider: accounts.google.com, client_ids: [a]")+"\n"+
		pool("open_id_connect_provider_arns: ['"+oidcPrefix+"accounts.google.com']"))
	wantError(t, err, "login_providers[0].kind", "expected kind: google")
	_, err = load(t, development+provider("provider: www.amazon.com, client_ids: [a]")+"\n"+
		pool("open_id_connect_provider_arns: ['"+oidcPrefix+"www.amazon.com']"))
	wantError(t, err, "login_providers[0].issuer", "is missing")
}

// Keys of providers are shown whole, or with their end; other keys no further than before.
func TestShownKeys(t *testing.T) {
	long := "issuer-cognito-idp.ap-southeast-2.amazonaws.com/ap-southeast-2_AbCdEfGhI:1example23456789012345678"
	tenant := "tenant.b2clogin.com/" + strings.Repeat("a", 300) + "/policy/v2.0"
	arn := "arn:aws:iam::000000000000:saml-provider/" + strings.Repeat("b", 80)
	secret := "eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("A", 100) + "secretend"
	for key, want := range map[string]string{
		long: `"` + long + `"`, arn: `"` + arn + `"`,
		tenant: `"` + tenant[:128] + "..." + tenant[len(tenant)-128:] + `"`,
		secret: `"` + secret[:64] + `..."`,
	} {
		_, err := load(t, development+allKinds+pool("role_mappings: {'"+key+"': {type: Token}}"))
		wantError(t, err, "pools[0].role_mappings."+want, "is no provider of the pool")
	}
}
