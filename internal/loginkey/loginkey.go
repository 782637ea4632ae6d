// Package loginkey says under which key a login provider stands in Logins, which kinds of
// login providers there are, of which kind the provider of a key is, and how an OpenID token's
// amr tells a user of it. Every other package takes all of it from here.
package loginkey

import (
	"regexp"
	"strings"
)

// Of is the key of an issuer: the issuer without its scheme and without the last
// slash, as the issuers of Auth0, Authentik and Entra end in one. Text without a
// scheme has only the slash taken off.
func Of(issuer string) string {
	if _, rest, ok := strings.Cut(issuer, "://"); ok {
		issuer = rest
	}
	return strings.TrimSuffix(issuer, "/")
}

// OfARN is the key of the OpenID provider that an ARN of IAM names: what the ARN ends
// in, without the last slash, which IAM keeps, in its normal form.
func OfARN(arn string) (key string, ok bool) {
	_, name, ok := strings.Cut(arn, ":oidc-provider/")
	return Normal(strings.TrimSuffix(name, "/")), ok
}

// Kind is a kind of login provider. All providers of a kind prove a login by the same rules.
// Its text is what the configuration calls it.
type Kind string

// The kinds.
const (
	OIDC     Kind = "oidc"      // any OpenID provider
	UserPool Kind = "user_pool" // a Cognito user pool
	Google   Kind = "google"
	Apple    Kind = "apple"
	Facebook Kind = "facebook"
	Amazon   Kind = "amazon" // Login with Amazon
	Twitter  Kind = "twitter"
	Digits   Kind = "digits"
	SAML     Kind = "saml"
)

// Kinds are all of them, the one that is meant where none is named first.
func Kinds() []Kind {
	return []Kind{OIDC, UserPool, Google, Apple, Facebook, Amazon, Twitter, Digits, SAML}
}

// Key is the only key of a kind's provider; empty where the kind has many providers.
func (k Kind) Key() string {
	switch k {
	case Google:
		return "accounts.google.com"
	case Apple:
		return "appleid.apple.com"
	case Facebook:
		return "graph.facebook.com"
	case Amazon:
		return "www.amazon.com"
	case Twitter:
		return "api.twitter.com"
	case Digits:
		return "www.digits.com"
	}
	return ""
}

// Issuer is the iss of the ID tokens of a kind that has one for all; empty where it has none.
func (k Kind) Issuer() string {
	switch k {
	case Google:
		return "https://accounts.google.com"
	case Apple:
		return "https://appleid.apple.com"
	case Facebook: // Limited Login
		return "https://www.facebook.com"
	}
	return ""
}

// Refused reports whether no login of the kind is taken, whoever lists it.
func (k Kind) Refused() bool { return k == Twitter || k == Digits }

// Opaque reports whether a login of the kind need not be a JSON Web Token, so that nothing
// can be said of its text.
func (k Kind) Opaque() bool {
	switch k {
	case Facebook, Amazon, Twitter, Digits, SAML:
		return true
	}
	return false
}

var userPool = regexp.MustCompile(`\A(issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?(/|\z)`)

// KindOf is the kind of the login provider that a key belongs to, where the key alone says
// so: ok is false for the key of an OpenID provider that is nothing else. Case does not matter.
func KindOf(key string) (kind Kind, ok bool) {
	key = strings.ToLower(key)
	if key == "www.facebook.com" { // whose ID tokens stand under the key of the other form
		return Facebook, true
	}
	for _, kind := range Kinds() {
		if kind.Key() == key && key != "" {
			return kind, true
		}
	}
	if userPool.MatchString(key) {
		return UserPool, true
	}
	if strings.HasPrefix(key, "arn:") && strings.Contains(key, ":saml-provider/") {
		return SAML, true
	}
	return "", false
}
