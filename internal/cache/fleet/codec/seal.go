package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrSealed says that a blob does not open: none of the keys made it, or it was
// made for another name, or it was damaged.
var ErrSealed = errors.New("sealed value does not open")

// keyIDSize is how much of a key's digest tells which key sealed a blob.
const keyIDSize = 4

// Seal encrypts what goes into Redis, by AES-256-GCM under a random nonce. The
// name under which a blob stands is authenticated with it: moved to another name,
// it does not open. It is safe for concurrent use.
//
// A key may seal 2^32 blobs; at a hundred a second that is more than a year.
type Seal struct{ keys []sealKey }

type sealKey struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

// NewSeal returns a Seal under 32-byte keys: the first seals, all open.
func NewSeal(keys ...[]byte) (*Seal, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key to seal with")
	}
	s := &Seal{}
	for i, key := range keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("key %d has %d bytes, want 32", i, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		k := sealKey{aead: aead}
		digest := sha256.Sum256(append([]byte("broker key id "), key...))
		copy(k.id[:], digest[:])
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// Seal appends to dst the sealed plain text, bound to name.
func (s *Seal) Seal(dst, plain []byte, name string) []byte {
	k := &s.keys[0]
	dst = append(dst, k.id[:]...)
	return k.aead.Seal(dst, nil, plain, []byte(name))
}

// Last reports whether a blob was sealed by the key that seals now: no other is needed to open it.
func (s *Seal) Last(blob []byte) bool {
	return len(blob) >= keyIDSize && string(blob[:keyIDSize]) == string(s.keys[0].id[:])
}

// Open returns the plain text of a blob that was sealed for name. It fails with
// ErrSealed.
func (s *Seal) Open(blob []byte, name string) ([]byte, error) {
	return s.OpenTo(nil, blob, []byte(name))
}

// OpenTo appends the plain text of a blob to dst, which must not overlap it. It
// fails with ErrSealed, and what follows dst in its array is not to be used then.
func (s *Seal) OpenTo(dst, blob, name []byte) ([]byte, error) {
	if len(blob) < keyIDSize {
		return dst, ErrSealed
	}
	for i := range s.keys {
		k := &s.keys[i]
		if string(k.id[:]) != string(blob[:keyIDSize]) {
			continue
		}
		if plain, err := k.aead.Open(dst, nil, blob[keyIDSize:], name); err == nil {
			return plain, nil
		}
	}
	return dst, ErrSealed
}
