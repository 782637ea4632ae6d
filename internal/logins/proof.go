package logins

import (
	"crypto/rsa"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// proofLimit is how long a proof is believed without the token being checked
// again (rule 1 of the design).
const proofLimit = 15 * time.Minute

// Proof is a login that was proved. Its fields never change.
type Proof struct {
	Provider string
	Issuer   string
	Subject  string
	ClientID string // azp, else the audience that is configured
	Audience []string
	Expires  time.Time // exp of the token

	claims map[string]any
	until  int64 // unix nanoseconds
	keys   *keySet
	key    *key
	seen   atomic.Pointer[snapshot] // the key set in which key was found last
}

// key is a public key in a set.
type key struct {
	id     string
	public *rsa.PublicKey
}

// Claim returns a claim of the token: a string, json.Number, bool, []any or
// map[string]any. Read it only.
func (p *Proof) Claim(name string) (any, bool) {
	v, ok := p.claims[name]
	return v, ok
}

// ClaimNames are the names of the token's claims, in order.
func (p *Proof) ClaimNames() []string { return slices.Sorted(maps.Keys(p.claims)) }

// String keeps the subject out of logs.
func (p *Proof) String() string { return "proof of a login at " + p.Provider }

// GoString keeps the subject and claims out of test output.
func (p *Proof) GoString() string { return p.String() }

// Holds reports whether the proof still stands without the token being checked
// again: it is younger than 15 minutes, the token has not expired, and the key
// that signed it is in the provider's key set, fetched within 24 hours. It takes
// no lock and allocates nothing. The zero Proof never holds.
func (p *Proof) Holds(now time.Time) bool {
	if p.keys == nil || p.key == nil || now.UnixNano() >= p.until {
		return false
	}
	current := p.keys.current.Load()
	if current == nil || current.dead(now) {
		return false
	}
	if current == p.seen.Load() {
		return true
	}
	if !current.has(p.key) {
		return false
	}
	p.seen.Store(current)
	return true
}
