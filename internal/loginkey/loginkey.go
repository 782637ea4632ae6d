// Package loginkey says under which key a login provider stands in Logins, and which
// keys are of providers that are no plain OpenID providers.
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
// in, without the last slash, which IAM keeps.
func OfARN(arn string) (key string, ok bool) {
	_, name, ok := strings.Cut(arn, ":oidc-provider/")
	return strings.TrimSuffix(name, "/"), ok
}

var userPool = regexp.MustCompile(`\A(issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?(/|\z)`)

// Kind is the kind of login provider that a key belongs to beside OpenID providers:
// user_pool, google, apple, facebook, amazon, twitter or digits. Each proves a login
// by rules of its own.
func Kind(key string) (kind string, ok bool) {
	key = strings.ToLower(key)
	switch key {
	case "accounts.google.com":
		return "google", true
	case "appleid.apple.com":
		return "apple", true
	case "graph.facebook.com", "www.facebook.com":
		return "facebook", true
	case "www.amazon.com":
		return "amazon", true
	case "api.twitter.com":
		return "twitter", true
	case "www.digits.com":
		return "digits", true
	}
	if userPool.MatchString(key) {
		return "user_pool", true
	}
	return "", false
}
