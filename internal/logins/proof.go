package logins

import (
	"encoding/json"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// proofLimit is how long a proof is believed without the token being checked
// again (docs/architecture.md#proof).
const proofLimit = 15 * time.Minute

// Proof is a login that was proved. Its fields never change.
type Proof struct {
	Provider string
	Issuer   string
	Subject  string
	ClientID string // azp, else the audience that is configured
	Audience []string
	Expires  time.Time // exp of the token

	*Standing
	claims map[string]any
}

// Standing is what of a proof says whether it still holds, without what it proves: so
// that whoever has to keep that keeps no claims, which may be large. It is safe for
// concurrent use.
type Standing struct {
	until int64 // unix nanoseconds
	keys  *keySet
	key   *key
	seen  atomic.Pointer[snapshot] // the key set in which key was found last
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
// no lock and allocates nothing. The zero Standing never holds, nor does none.
func (p *Standing) Holds(now time.Time) bool {
	if p == nil || p.keys == nil || p.key == nil || now.UnixNano() >= p.until {
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

// weight is about what a proof takes up in memory, in bytes.
func (p *Proof) weight() int {
	const own = 512 // of the proof, its standing and its place in the memory
	w := own + len(p.Subject) + len(p.ClientID) + weigh(p.claims)
	for _, aud := range p.Audience {
		w += wordsOfText + len(aud)
	}
	return w
}

// What values cost beside what they hold, in bytes: measured with Go 1.26, on the
// generous side.
const (
	wordsOfValue = 16
	wordsOfText  = 16
	wordsOfList  = 24
	wordsOfMap   = 48
	bytesOfSlot  = 48 // of a member in a map, which is at most half empty
	leastOfMap   = 8 * bytesOfSlot
)

func weigh(v any) int {
	w := wordsOfValue
	switch v := v.(type) {
	case string:
		w += wordsOfText + len(v)
	case json.Number:
		w += wordsOfText + len(v)
	case []any:
		w += wordsOfList
		for _, one := range v {
			w += weigh(one) + wordsOfValue // lists grow by doubling
		}
	case map[string]any:
		w += wordsOfMap
		if len(v) > 0 {
			w += leastOfMap
		}
		for name, one := range v {
			w += 2*bytesOfSlot + len(name) + weigh(one)
		}
	}
	return w
}
