package upstream

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Matters reports whether a claim of a provider's logins can change what a pool answers. Upstream's
// role mappings and tag maps may name any claim, and are known as far as Config.Mapped tells them: so
// each claim can, but those by which a token differs from the next one of the same login, where no map that
// is known names them.
func (d *Directory) Matters(pool, provider, claim string) bool {
	return !slices.Contains(passing(provider), claim) || slices.Contains(d.mapped[pool], claim)
}

// What a provider says of a token, or of a sign-in, rather than of its user.
var (
	ofOIDC     = strings.Fields("iat exp nbf jti nonce at_hash c_hash auth_time sid")
	ofUserPool = strings.Fields("iat exp jti origin_jti event_id nonce at_hash auth_time")
	ofGoogle   = strings.Fields("iat exp nbf jti nonce at_hash c_hash")
	ofApple    = strings.Fields("iat exp nonce at_hash c_hash auth_time")
)

// passing are the claims of a provider that differ from token to token. Logins with Facebook and Amazon
// have none but who they are, and the attributes of SAML are its users', whatever they are called.
func passing(provider string) []string {
	kind, _ := loginkey.KindOf(provider)
	if loginkey.EmulatedPool(provider) {
		kind = loginkey.UserPool
	}
	switch kind {
	case loginkey.UserPool:
		return ofUserPool
	case loginkey.Google:
		return ofGoogle
	case loginkey.Apple:
		return ofApple
	case loginkey.Facebook, loginkey.Amazon, loginkey.Twitter, loginkey.Digits, loginkey.SAML:
		return nil
	}
	return ofOIDC
}
