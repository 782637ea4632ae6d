package devidp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// Limits of a token.
const (
	maxTTL        = 24 * time.Hour
	maxUser       = 255   // characters
	maxTokenBytes = 50000 // what the service takes (docs/cognito.md#shapes)
)

// TokenRequest says what to mint.
type TokenRequest struct {
	Issuer   string
	User     string // sub, 1 to 255 characters
	Audience string // client id
	TTL      time.Duration
	Claims   map[string]any // beside those that the provider sets itself
	Now      time.Time
}

// ErrClaim refuses a claim that the provider sets itself, or one without a name.
var ErrClaim = errors.New("expected name=value with a name other than iss, sub, aud, iat and exp")

// Mint returns an ID token, signed RS256.
func (k *Key) Mint(r TokenRequest) (string, error) {
	if n := len([]rune(r.User)); n < 1 || n > maxUser {
		return "", fmt.Errorf("user: expected 1 to %d characters, got %d", maxUser, n)
	}
	if r.Audience == "" {
		return "", errors.New("audience: expected a client id")
	}
	if r.TTL < time.Second || r.TTL > maxTTL {
		return "", fmt.Errorf("ttl: expected 1s to %s, got %s", maxTTL, r.TTL)
	}
	claims := map[string]any{"auth_time": r.Now.Unix()}
	for name, value := range r.Claims {
		if reserved(name) {
			return "", fmt.Errorf("claim %q: %w", name, ErrClaim)
		}
		claims[name] = value
	}
	claims["iss"], claims["sub"], claims["aud"] = r.Issuer, r.User, r.Audience
	claims["iat"], claims["exp"] = r.Now.Unix(), r.Now.Add(r.TTL).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: k.private}, options)
	if err != nil {
		return "", fmt.Errorf("make signer: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("write token: %w", err)
	}
	if len(token) > maxTokenBytes {
		return "", fmt.Errorf("the token has %d bytes; expected at most %d", len(token), maxTokenBytes)
	}
	return token, nil
}

// reserved takes a name in any case for the one that it resembles, as careless readers
// of tokens do.
func reserved(name string) bool {
	return slices.ContainsFunc([]string{"", "iss", "sub", "aud", "iat", "exp"}, func(own string) bool {
		return strings.EqualFold(own, name)
	})
}

// ParseClaim reads name=value. A value that is a JSON array, object, number,
// boolean or quoted string is that; any other is text.
func ParseClaim(s string) (name string, value any, err error) {
	name, text, ok := strings.Cut(s, "=")
	if !ok || reserved(name) {
		return "", nil, fmt.Errorf("claim %q: %w", name, ErrClaim)
	}
	value, err = strictjson.Value([]byte(text), strictjson.Limits{Bytes: maxTokenBytes, Depth: 30, Values: 10_000})
	if err != nil || value == nil {
		return name, text, nil
	}
	return name, value, nil
}

// Discovery is the provider's OpenID discovery document.
func Discovery(issuer string) []byte {
	return mustJSON(map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + "/jwks",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
	})
}

// mustJSON encodes values made of strings and public keys, which cannot fail.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
