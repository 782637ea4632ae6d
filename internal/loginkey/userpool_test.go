package loginkey_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/loginkey"
)

func TestNormal(t *testing.T) {
	const older = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
	const chinese = "cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_abc"
	for key, want := range map[string]string{
		older:                      older,
		"issuer-" + older:          older,
		"issuer-" + chinese:        chinese,
		"issuer-issuer-" + older:   "issuer-issuer-" + older, // nobody's key
		"issuer-cognito-idp.x.y/a": "issuer-cognito-idp.x.y/a",
		"issuer-" + older + "/b":   "issuer-" + older + "/b",
		"accounts.google.com":      "accounts.google.com",
		"issuer-idp.example":       "issuer-idp.example",
		"":                         "",
	} {
		if got := loginkey.Normal(key); got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
		if got := loginkey.Normal(loginkey.Normal(key)); got != want {
			t.Errorf("%q, twice: got %q, want %q", key, got, want)
		}
	}
}

func TestUserPoolOf(t *testing.T) {
	for _, key := range []string{
		"cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc", "issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
	} {
		p, ok := loginkey.UserPoolOf(key)
		want := loginkey.PoolName{Host: "cognito-idp.eu-west-1.amazonaws.com", Region: "eu-west-1", ID: "eu-west-1_abc"}
		if !ok || p != want {
			t.Errorf("%q: got %+v, %v", key, p, ok)
		}
		if got := p.Issuers(); !slices.Equal(got[:], []string{
			"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
			"https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
		}) {
			t.Errorf("%q: issuers: got %q", key, got)
		}
	}
	for _, key := range []string{"cognito-idp.eu-west-1.amazonaws.com", "idp.example", "localhost:9229/local_1"} {
		if _, ok := loginkey.UserPoolOf(key); ok {
			t.Errorf("%q: got it taken for a user pool", key)
		}
	}
}

func TestEmulatedPool(t *testing.T) {
	for key, want := range map[string]bool{
		"localhost:9229/local_4dBcvRwn": true, "127.0.0.1:1/a-b_C": true,
		"localhost/local_a": false, "localhost:9229": false, "localhost:9229/local": false, "localhost:9229/a_b/c": false,
		"http://localhost:9229/a_b": false, "u@localhost:1/a_b": false, "[::1]:1/a_b": false,
		"cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc": false,
	} {
		if got := loginkey.EmulatedPool(key); got != want {
			t.Errorf("%q: got %v, want %v", key, got, want)
		}
	}
}

// The key of each kind is of that kind, and no two kinds share one.
func TestKeysOfKinds(t *testing.T) {
	seen := map[string]loginkey.Kind{}
	for _, kind := range loginkey.Kinds() {
		key := kind.Key()
		if key == "" {
			continue
		}
		if got, ok := loginkey.KindOf(key); !ok || got != kind {
			t.Errorf("%s: its key %q is of the kind %q", kind, key, got)
		}
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s share the key %q", kind, other, key)
		}
		seen[key] = kind
	}
}

// What a form makes of a subject it reads back, and no other form does.
func TestUsersOfAMR(t *testing.T) {
	const arn = "arn:aws:iam::000000000000:"
	forms := map[string]loginkey.User{
		"oidc":      loginkey.ByOIDC(arn + "oidc-provider/accounts.google.com"),
		"saml":      loginkey.BySAML(arn + "saml-provider/office"),
		"app":       loginkey.ByApp("accounts.google.com", "app-1"),
		"user pool": loginkey.ByUserPool("issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"),
		"developer": loginkey.ByDeveloper("login.example", "us-east-1:00000000-0000-4000-8000-000000000001"),
	}
	for name, want := range map[string]string{
		"oidc": arn + "oidc-provider/accounts.google.com:OIDC:u", "saml": arn + "saml-provider/office:SAML:u",
		"app":       "accounts.google.com:app-1:u",
		"user pool": "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc:CognitoSignIn:u",
		"developer": "login.example:us-east-1:00000000-0000-4000-8000-000000000001:u",
	} {
		if got := forms[name].Of("u"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if _, ok := forms[name].Subject(forms[name].Of("")); ok {
			t.Errorf("%s: got nobody taken for a user", name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		subject := rapid.StringN(1, 64, -1).Draw(t, "subject")
		for name, form := range forms {
			for other, reader := range forms {
				got, ok := reader.Subject(form.Of(subject))
				if ok != (name == other) || ok && got != subject {
					t.Errorf("%s read as %s: got %q, %v", name, other, got, ok)
				}
			}
		}
	})
	if _, ok := (loginkey.User{}).Subject("u"); ok {
		t.Error("the zero form: got a user")
	}
}
