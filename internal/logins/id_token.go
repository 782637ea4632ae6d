package logins

import (
	"errors"
	"strings"
)

// Causes of refusals of tokens of other kinds.
var (
	errType      = errors.New("typ is not that of an ID token")
	errEvents    = errors.New("the token is a security event (claim events)")
	errTokenUse  = errors.New("token_use is not id")
	errClaimType = errors.New("the claim typ is not ID")
	errOtherKind = errors.New("the token says that it is an access or refresh token (token_type or token_usage)")
)

// isIDToken refuses what a provider signs for other purposes and marks as such (RFC 8725,
// section 3.11): tokens whose header has a type of their own, security events such as a
// back-channel logout, a user pool's access tokens (token_use), all but the ID tokens of
// Keycloak, whose header is the same for all and whose claim typ names the kind, and what
// token_type or token_usage call an access or refresh token. Tokens without a mark cannot
// be told apart: claims such as scope, scp, client_id and cnf stand in ID tokens too.
func (c *payload) isIDToken() error {
	switch c.token.Type {
	case "", "JWT", "jwt", "JOSE", "jose": // of a media type, which has no case
	default:
		return errType
	}
	if _, there := c.token.Claims["events"]; there {
		return errEvents
	}
	if use, there := c.token.Claims["token_use"]; there && use != "id" {
		return errTokenUse
	}
	if typ, there := c.token.Claims["typ"]; there && typ != "ID" {
		return errClaimType
	}
	for _, name := range [...]string{"token_type", "token_usage"} {
		kind, there := c.token.Claims[name]
		text, ok := kind.(string)
		if there && (!ok || isOtherKind(text)) {
			return errOtherKind
		}
	}
	// Casdoor's ID tokens call themselves access tokens, but not refresh tokens.
	if kind, _ := c.token.Claims["tokenType"].(string); strings.HasPrefix(plainKind(kind), "refresh") {
		return errOtherKind
	}
	return nil
}

// plainKind spells a kind of token without case, blanks, hyphens and underscores.
func plainKind(kind string) string {
	kind = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(kind)), "urn:ietf:params:oauth:token-type:")
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(kind)
}

// isOtherKind reports whether a token's own word for its kind is one of an access or
// refresh token. token_type is OAuth's name for how an access token is used (RFC 6749,
// section 7.1), and has no meaning in an ID token by any standard.
func isOtherKind(kind string) bool {
	switch plainKind(kind) {
	case "access", "accesstoken", "bearer", "dpop", "mac", "pop", "refresh", "refreshtoken", "offline", "offlinetoken",
		"logout", "logouttoken":
		return true
	}
	return false
}
