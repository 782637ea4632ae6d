package issuer

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	keyBits = 2048
	// longestToken is the longest life that a token may have
	// (docs/cognito.md#developer-users).
	longestToken = 24 * time.Hour
	// retention is how long a retired key stays published and verifies: until the
	// last token that it signed has expired, and an hour for the skew of other
	// clocks, for verifiers that cache and for a signature that was under way.
	retention = longestToken + time.Hour
	// maxKeys bounds the published set: verifiers read about a hundred.
	maxKeys = 100
)

// Key is a signing key as it is stored. It prints and marshals without its
// private part, so a store writes it field by field.
type Key struct {
	ID      string // kid
	Private []byte // PKCS #8, DER; also kept after retirement
	Created time.Time
	Retired time.Time // zero: in use
}

// Keys keeps the signing keys; the engine's store is one.
type Keys interface {
	// SigningKeys returns all keys, in any order; none is no error.
	SigningKeys(ctx context.Context) ([]Key, error)
	// ReplaceSigningKeys stores next in place of all, durably, before it returns.
	// On an error either the old or the new ones are stored, never a mixture.
	ReplaceSigningKeys(ctx context.Context, next []Key) error
}

// Faults of stored keys.
var (
	errKeyID    = errors.New("a key's id does not end in a number, or stands twice")
	errKeyBytes = errors.New("a key is no RSA key of 2048 bits in PKCS #8")
	errKeysUsed = errors.New("more than one key is in use")
	errKeyCount = fmt.Errorf("there are more than %d keys", maxKeys)
)

// key is a Key ready for use. It never changes.
type key struct {
	Key
	number  uint64 // that the id ends in
	private *rsa.PrivateKey
	header  string // of the tokens that it signs, encoded
}

// open makes stored keys ready for use, newest first. Nothing is guessed: keys
// that this package did not store are an error, for a wrong guess would sign by
// a retired key or refuse tokens that are good.
func open(stored []Key) ([]*key, error) {
	if len(stored) > maxKeys {
		return nil, errKeyCount
	}
	var keys []*key
	used := 0
	for _, s := range stored {
		k, err := openOne(s)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(other *key) bool { return other.number == k.number }) {
			return nil, errKeyID
		}
		if !k.retired() {
			used++
		}
		keys = append(keys, k)
	}
	if used > 1 {
		return nil, errKeysUsed
	}
	slices.SortFunc(keys, func(a, b *key) int { return cmp.Compare(b.number, a.number) })
	return keys, nil
}

func openOne(s Key) (*key, error) {
	number, err := strconv.ParseUint(s.ID[strings.LastIndexByte(s.ID, '-')+1:], 10, 53)
	if err != nil {
		return nil, errKeyID
	}
	parsed, err := x509.ParsePKCS8PrivateKey(s.Private)
	if err != nil {
		return nil, errKeyBytes // the parser's own words may hold parts of the key
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() != keyBits {
		return nil, errKeyBytes
	}
	return newKey(s, number, private), nil
}

// makeKey takes the time of finding two primes.
func makeKey(region string, number uint64) (*key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	id := region + "-" + strconv.FormatUint(number, 10)
	return newKey(Key{ID: id, Private: der}, number, private), nil
}

func newKey(k Key, number uint64, private *rsa.PrivateKey) *key {
	head := base64.RawURLEncoding.EncodeToString(mustJSON(header{KeyID: k.ID, Type: tokenType, Algorithm: algorithm}))
	return &key{Key: k, number: number, private: private, header: head}
}

func (k *key) retired() bool { return !k.Retired.IsZero() }

// at returns the key with its times.
func (k *key) at(created, retired time.Time) *key {
	changed := *k
	changed.Created, changed.Retired = created, retired
	return &changed
}

// dropAt is when a retired key stops verifying.
func (k *key) dropAt() time.Time { return k.Retired.Add(retention) }

// verifies reports whether tokens of the key are good at a time. A clock that
// jumped back before the retirement changes nothing: retired is retired.
func (k *key) verifies(now time.Time) bool { return !k.retired() || now.Before(k.dropAt()) }

// live returns those keys whose tokens may still be alive.
func live(keys []*key, now time.Time) []*key {
	return slices.DeleteFunc(slices.Clone(keys), func(k *key) bool { return !k.verifies(now) })
}
