package loginkey

import "strings"

// User is how the amr of an OpenID token tells the user of a login
// (docs/cognito.md#the-openid-token): the form that is the provider's, without its user. No
// form is a prefix of another one of the same provider, but by its app's id.
type User struct{ prefix string }

// The forms, by how a pool takes the provider's logins.

// ByOIDC is of a provider that the pool names by an ARN of IAM.
func ByOIDC(arn string) User { return User{arn + ":OIDC:"} }

// ByApp is of a provider that the pool names with the app's id (SupportedLoginProviders).
func ByApp(key, app string) User { return User{key + ":" + app + ":"} }

// ByUserPool is of a user pool, by its normal key.
func ByUserPool(key string) User { return User{Normal(key) + ":CognitoSignIn:"} }

// BySAML is of a SAML provider, by its ARN.
func BySAML(arn string) User { return User{arn + ":SAML:"} }

// ByDeveloper is of a backend's own user.
func ByDeveloper(provider, pool string) User { return User{provider + ":" + pool + ":"} }

// Of is the text of a user.
func (u User) Of(subject string) string { return u.prefix + subject }

// Subject is the user whose text it is; ok is false where it is of another form, or names
// nobody.
func (u User) Subject(text string) (subject string, ok bool) {
	subject, ok = strings.CutPrefix(text, u.prefix)
	return subject, ok && subject != "" && u.prefix != ""
}
