// Package cache keeps credentials until they expire: entries sealed to the
// epoch under which they were obtained, the fences that end an epoch, the
// flights that callers share, and the memo of whole answers.
//
// It knows no provider, no protocol and no token, only digests and its own
// small values. It never decides who may have an entry: whoever asks has proved
// that already, for the proof is part of the key (docs/architecture.md#proof).
package cache

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// Key names an entry: a keyed digest of everything that can change the answer.
type Key [sha256.Size]byte

// Domain separates keys by the kind of proof that stands behind them, so that
// fields of one kind can never spell a key of another.
type Domain string

// The kinds of proof.
const (
	// DomainGuest: the identity id itself is the proof.
	DomainGuest Domain = "guest"
	// DomainLogin: every login was proved by the broker.
	DomainLogin Domain = "login"
	// DomainUnproven: a token is its own proof, byte for byte, once the backend
	// has judged it.
	DomainUnproven Domain = "unproven"
	// DomainOwnToken: a token of the backend's own was verified.
	DomainOwnToken Domain = "token"
	// DomainDeveloper: a caller who speaks for all users of the pool.
	DomainDeveloper Domain = "developer"
)

// Namer makes keys. It is safe for concurrent use.
type Namer struct{ key []byte }

// NewNamer returns a Namer under a 32-byte key. A nil key draws a random one,
// right for names that never leave the process.
func NewNamer(key []byte) *Namer {
	if key == nil {
		key = make([]byte, 32)
		rand.Read(key)
	}
	return &Namer{key: key}
}

// Key digests fields within a domain. Each field is length-prefixed, so no two
// lists of fields share a digest.
func (n *Namer) Key(domain Domain, fields ...string) Key {
	size := 0
	for _, f := range fields {
		size += 4 + len(f)
	}
	buf := make([]byte, 0, 4+len(domain)+size)
	buf = appendField(buf, string(domain))
	for _, f := range fields {
		buf = appendField(buf, f)
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write(buf)
	var k Key
	mac.Sum(k[:0])
	return k
}

func appendField(buf []byte, field string) []byte {
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(field)))
	return append(buf, field...)
}
