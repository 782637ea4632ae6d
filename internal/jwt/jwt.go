// Package jwt takes JSON Web Tokens apart: the one reader of a token in the broker,
// of those that providers sign and of those that its own issuer does. It verifies
// nothing and knows no key; what it returns is to be believed only after the
// signature is.
//
// A token has one spelling here: three parts in the unpadded alphabet of base64url
// (RFC 7515, section 2), each as it would be encoded, with nothing between or around
// them; header and payload are JSON that package strictjson takes. A member whose
// name differs in case alone from one that a reader of tokens acts on is refused:
// readers that fold names, as encoding/json does, would take it for that one.
package jwt

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// MaxToken is the longest token that the service takes, in bytes (docs/cognito.md#shapes).
const MaxToken = 50000

// What can be wrong with a token, beside its JSON. None quotes it.
var (
	ErrSize   = errors.New("the token is too large")
	ErrParts  = errors.New("expected three parts in unpadded base64url")
	ErrMember = errors.New("the name of a member differs from a registered one in case alone")
	ErrHeader = errors.New("alg, kid or typ is not text")
)

// Token is a token taken apart. Nobody vouches for it.
type Token struct {
	Algorithm string // alg
	KeyID     string // kid; empty: none
	Type      string // typ; empty: none
	Header    map[string]any
	Claims    map[string]any // of the payload: string, json.Number, bool, nil, map[string]any or []any
	Payload   []byte         // as it was signed
	Signed    string         // what the signature is over
	Signature []byte
}

// MaxValues is how many values a token may hold, its header 100 of them. It is for some
// thousands of names of groups or roles in a list, and bounds the memory that a token takes
// while it is read: an object takes 350 bytes, and as few as five of the token.
const MaxValues = 2500

const headerValues = 100

var (
	headerLimits = strictjson.Limits{Bytes: MaxToken, Depth: 32, Values: headerValues}
	claimLimits  = strictjson.Limits{Bytes: MaxToken, Depth: 32, Values: MaxValues - headerValues}
)

// Parse takes a token apart. Its errors quote nothing of it.
func Parse(text string) (*Token, error) {
	if len(text) > MaxToken {
		return nil, ErrSize
	}
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 3 {
		return nil, ErrParts
	}
	t := &Token{Signed: text[:len(parts[0])+1+len(parts[1])]}
	var header []byte
	for n, into := range []*[]byte{&header, &t.Payload, &t.Signature} {
		decoded, ok := decode(parts[n])
		if !ok {
			return nil, ErrParts
		}
		*into = decoded
	}
	var err error
	if t.Header, err = object(header, headerLimits, headerNames[:]); err != nil {
		return nil, err
	}
	if t.Claims, err = object(t.Payload, claimLimits, claimNames[:]); err != nil {
		return nil, err
	}
	return t, t.readHeader()
}

// decode decodes a part in its only spelling. The decoder alone skips line breaks,
// also a strict one, so the length is compared too.
func decode(part string) ([]byte, bool) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return decoded, err == nil && base64.RawURLEncoding.EncodedLen(len(decoded)) == len(part)
}

// The names that no other may resemble: those of RFC 7515 and RFC 7519 that a reader
// may act on, and token_use, which is Cognito's.
var (
	headerNames = [...]string{"alg", "kid", "typ", "cty", "crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256",
		"zip", "enc"}
	claimNames = [...]string{"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "token_use",
		"typ"}
)

func object(text []byte, limits strictjson.Limits, reserved []string) (map[string]any, error) {
	all, err := strictjson.Object(text, limits)
	if err != nil {
		return nil, err
	}
	for name := range all {
		for _, other := range reserved {
			if name != other && strings.EqualFold(name, other) {
				return nil, ErrMember
			}
		}
	}
	return all, nil
}

func (t *Token) readHeader() error {
	for name, into := range map[string]*string{"alg": &t.Algorithm, "kid": &t.KeyID, "typ": &t.Type} {
		v, there := t.Header[name]
		text, ok := v.(string)
		if there && !ok {
			return ErrHeader
		}
		*into = text
	}
	return nil
}

// Demands reports whether the header asks for more than a plain signature: for
// extensions that a reader must understand (RFC 7515, section 4.1.11), an unencoded
// payload, encryption or compression, or to be verified by a key of its own.
func (t *Token) Demands() bool {
	for _, name := range []string{"crit", "b64", "enc", "zip", "jwk"} {
		if _, there := t.Header[name]; there {
			return true
		}
	}
	return false
}
