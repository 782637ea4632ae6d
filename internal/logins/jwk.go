package logins

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// Limits of a key set. What is beyond them costs the keys beyond, not the set.
const (
	maxKeys   = 100 // that can verify
	maxSameID = 16  // under one id, or under none
	minBits   = 2048
	maxBits   = 8192
)

// keyLimits bound a key set, and each of its keys.
var keyLimits = strictjson.Limits{Bytes: maxKeyBytes, Depth: 32, Values: 200_000}

// Algorithms are those that a provider may be given, and what a provider has that is
// given none.
var (
	Algorithms        = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	DefaultAlgorithms = []string{"RS256", "RS384", "RS512"}
)

// curves are those of ECDSA's algorithms (RFC 7518, section 3.4).
var curves = map[string]struct {
	name  string
	curve elliptic.Curve
}{"ES256": {"P-256", elliptic.P256()}, "ES384": {"P-384", elliptic.P384()}, "ES512": {"P-521", elliptic.P521()}}

// key is a public key in a set, and the basis of the proofs by it.
type key struct {
	id        string
	public    publicKey // *rsa.PublicKey or *ecdsa.PublicKey
	algorithm string    // the only one that it is for; empty: those of its kind

	keys *keySet                  // that it was fetched for
	seen atomic.Pointer[snapshot] // of keys, in which it was found last
}

// Stands reports whether the key is in the provider's key set, fetched within 24 hours.
func (k *key) Stands(now time.Time) bool {
	current := k.keys.current.Load()
	if current == nil || current.dead(now) {
		return false
	}
	if current == k.seen.Load() {
		return true
	}
	if !current.has(k) {
		return false
	}
	k.seen.Store(current)
	return true
}

type publicKey interface{ Equal(crypto.PublicKey) bool }

// verifies reports whether the key is for an algorithm.
func (k *key) verifies(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	if public, ok := k.public.(*ecdsa.PublicKey); ok {
		return curves[algorithm].curve == public.Curve
	}
	return strings.HasPrefix(algorithm, "RS")
}

func (k *key) same(other *key) bool {
	return k.public.Equal(other.public) && k.algorithm == other.algorithm
}

// parseKeys reads a JWK set: its keys for signatures by one of the algorithms. Of a
// key it reads kty, n, e, crv, x, y, kid, use, alg and key_ops, whatever decorates it;
// a key that is no good costs that key alone. A set without any usable one is an error,
// which says what the keys lack.
func parseKeys(text []byte, algorithms []string) (*snapshot, error) {
	set, err := strictjson.RawObject(text, keyLimits)
	if err != nil {
		return nil, fmt.Errorf("the key set does not read: %w", err)
	}
	all, err := strictjson.RawList(set["keys"], keyLimits)
	if err != nil {
		return nil, errors.New("the key set has no list of keys")
	}
	s := &snapshot{byID: map[string][]*key{}}
	useless := map[string]int{}
	for _, one := range all {
		if s.count >= maxKeys {
			break
		}
		k, err := readKey(one, algorithms)
		if err != nil {
			useless[err.Error()]++
			continue
		}
		if len(s.byID[k.id]) < maxSameID {
			s.byID[k.id] = append(s.byID[k.id], k)
			s.count++
		}
	}
	if s.count == 0 {
		return nil, noneUsable(len(all), useless)
	}
	return s, nil
}

// noneUsable says of a set what its keys lack; few sets lack more than one thing.
func noneUsable(n int, useless map[string]int) error {
	var reasons []string
	for reason, count := range useless {
		reasons = append(reasons, fmt.Sprintf("%d %s", count, reason))
	}
	slices.Sort(reasons)
	if len(reasons) > 5 {
		reasons = append(reasons[:5], "…")
	}
	if len(reasons) == 0 {
		return errors.New("the key set is empty")
	}
	return fmt.Errorf("none of the %d keys of the set is usable: %s", n, strings.Join(reasons, ", "))
}

// jwk is what is read of a key.
type jwk struct {
	members map[string][]byte
}

// text is a member that is text; ok is false for one that is something else.
func (j jwk) text(name string) (text string, ok bool) {
	raw, there := j.members[name]
	if !there {
		return "", true
	}
	v, err := strictjson.Value(raw, keyLimits)
	if err != nil {
		return "", false
	}
	text, ok = v.(string)
	return text, ok || v == nil
}

// number is a member that is an unsigned number in base64url; some issuers pad it, or
// put zeros before it.
func (j jwk) number(name string) (*big.Int, error) {
	text, _ := j.text(name)
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(b) == 0 {
		return nil, errMalformedKey
	}
	return new(big.Int).SetBytes(b), nil
}

var (
	errMalformedKey = errors.New("malformed")
	errUse          = errors.New("for another use than signatures")
)

func readKey(text []byte, algorithms []string) (*key, error) {
	members, err := strictjson.RawObject(text, keyLimits)
	if err != nil {
		return nil, errMalformedKey
	}
	j := jwk{members}
	kind, _ := j.text("kty")
	k := &key{id: j.id()}
	if err := j.forSignatures(); err != nil {
		return nil, err
	}
	switch kind {
	case "RSA":
		k.public, err = j.rsa()
	case "EC":
		k.public, err = j.ecdsa()
	default:
		return nil, fmt.Errorf("of the kind %.10q", kind)
	}
	if err != nil {
		return nil, err
	}
	var ok bool
	if k.algorithm, ok = j.text("alg"); !ok {
		return nil, errMalformedKey
	}
	if !slices.ContainsFunc(algorithms, k.verifies) {
		if k.algorithm != "" {
			kind = k.algorithm
		}
		return nil, fmt.Errorf("of %.20q, where algorithms takes %s", kind, strings.Join(algorithms, ", "))
	}
	return k, nil
}

// id is the key's kid. Some issuers write a number, and mean its text.
func (j jwk) id() string {
	v, err := strictjson.Value(j.members["kid"], keyLimits)
	if err != nil {
		return ""
	}
	if number, ok := v.(json.Number); ok {
		return number.String()
	}
	id, _ := v.(string)
	return id
}

// forSignatures refuses keys for other uses (RFC 7517, sections 4.2 and 4.3).
func (j jwk) forSignatures() error {
	if use, ok := j.text("use"); !ok || use != "" && use != "sig" {
		return errUse
	}
	raw, there := j.members["key_ops"]
	if !there {
		return nil
	}
	v, err := strictjson.Value(raw, keyLimits)
	if ops, ok := v.([]any); err != nil || v != nil && (!ok || !slices.Contains(ops, any("verify"))) {
		return errUse
	}
	return nil
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	n, err := j.number("n")
	if err != nil {
		return nil, err
	}
	e, err := j.number("e")
	if err != nil {
		return nil, err
	}
	if bits := n.BitLen(); bits < minBits || bits > maxBits {
		return nil, fmt.Errorf("of %d bits, where %d to %d are taken", bits, minBits, maxBits)
	}
	if e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil, errMalformedKey
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (j jwk) ecdsa() (*ecdsa.PublicKey, error) {
	name, _ := j.text("crv")
	for _, c := range curves {
		if c.name != name {
			continue
		}
		size := (c.curve.Params().BitSize + 7) / 8
		point := []byte{4} // uncompressed
		for _, coordinate := range []string{"x", "y"} {
			n, err := j.number(coordinate)
			if err != nil || n.BitLen() > 8*size {
				return nil, errMalformedKey
			}
			point = append(point, n.FillBytes(make([]byte, size))...)
		}
		public, err := ecdsa.ParseUncompressedPublicKey(c.curve, point)
		if err != nil {
			return nil, errMalformedKey
		}
		return public, nil
	}
	return nil, fmt.Errorf("on the curve %.20q", name)
}
