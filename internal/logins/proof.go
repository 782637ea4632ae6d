package logins

import (
	"encoding/json"
	"maps"
	"slices"
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
// concurrent use. The zero Standing never holds.
type Standing struct {
	until int64 // unix nanoseconds
	basis Basis
}

// Basis is what a proof rests on beside its time: that the key which signed a token is
// still the provider's, for one.
type Basis interface {
	// Stands reports whether it is still so. It takes no lock, allocates nothing, and is
	// safe for concurrent use.
	Stands(now time.Time) bool
}

// Until is the standing of a proof that holds until a time, while its basis stands; a nil
// basis: by its time alone.
func Until(at time.Time, basis Basis) *Standing { return &Standing{until: at.UnixNano(), basis: basis} }

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

// Holds reports whether the proof still stands without the token being checked again: its
// time is not over (for a token 15 minutes, or until it expires), and its basis stands. It
// takes no lock and allocates nothing. A nil Standing never holds.
func (s *Standing) Holds(now time.Time) bool {
	return s != nil && now.UnixNano() < s.until && (s.basis == nil || s.basis.Stands(now))
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
