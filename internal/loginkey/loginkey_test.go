package loginkey_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/loginkey"
)

func TestOf(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://tenant.eu.auth0.com/":   "tenant.eu.auth0.com",
		"https://sts.windows.net/1234/":  "sts.windows.net/1234",
		"https://idp.example":            "idp.example",
		"http://127.0.0.1:9000/dev/idp":  "127.0.0.1:9000/dev/idp",
		"https://idp.example/realms/a//": "idp.example/realms/a/",
		"accounts.google.com":            "accounts.google.com",
		"":                               "",
	} {
		if got := loginkey.Of(issuer); got != want {
			t.Errorf("%q: got %q, want %q", issuer, got, want)
		}
	}
}

func TestOfARN(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::000000000000:oidc-provider/tenant.eu.auth0.com/": "tenant.eu.auth0.com",
		"arn:aws:iam::000000000000:oidc-provider/idp.example/realms/a": "idp.example/realms/a",
		"arn:aws:iam::000000000000:saml-provider/idp.example":          "",
	} {
		if got, ok := loginkey.OfARN(arn); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", arn, got, ok, want)
		}
	}
}

func TestKindOf(t *testing.T) {
	for key, want := range map[string]loginkey.Kind{
		"accounts.google.com": "google", "Accounts.Google.com": "google", "appleid.apple.com": "apple",
		"graph.facebook.com": "facebook",
		"www.amazon.com":     "amazon", "api.twitter.com": "twitter", "www.digits.com": "digits",
		"cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc":        "user_pool",
		"issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc": "user_pool",
		"cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_abc":   "user_pool",
		"idp.example": "", "accounts.google.com.evil.example": "", "cognito-idp.x.amazonaws.com.evil.example/a": "",
		"my.cognito-idp.x.amazonaws.com/a":               "",
		"arn:aws:iam::000000000000:saml-provider/office": "saml", "arn:aws:iam::000000000000:oidc-provider/office": "",
		"idp.example:saml-provider/office": "",
		"accounts.google.com/x":            "",
	} {
		if got, ok := loginkey.KindOf(key); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", key, got, ok, want)
		}
	}
}
