package issuer

import (
	"encoding/base64"
	"math/big"
)

// set is the keys at one time, with the document that publishes them. It never
// changes, so whoever signs by a key of a set knows that the key is published.
type set struct {
	keys    []*key // newest first
	byID    map[string]*key
	signing *key // nil before the first key is made
	jwks    []byte
}

func newSet(keys []*key) *set {
	s := &set{keys: keys, byID: map[string]*key{}, jwks: jwks(keys)}
	for _, k := range keys {
		s.byID[k.ID] = k
		if !k.retired() {
			s.signing = k
		}
	}
	return s
}

// stored returns the keys as a store keeps them.
func (s *set) stored() []Key {
	keys := make([]Key, len(s.keys))
	for n, k := range s.keys {
		keys[n] = k.Key
	}
	return keys
}

// jwk is a public key in a JSON Web Key Set.
type jwk struct {
	Type      string `json:"kty"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	ID        string `json:"kid"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

func jwks(keys []*key) []byte {
	published := make([]jwk, len(keys))
	for n, k := range keys {
		published[n] = jwk{
			Type: "RSA", Algorithm: algorithm, Use: "sig", ID: k.ID,
			Modulus:  base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()),
		}
	}
	return mustJSON(map[string][]jwk{"keys": published})
}
