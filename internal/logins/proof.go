package logins

import (
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
	Subject  string
	ClientID string // the client or app that the token was made for; one that is configured, if one is
	// Audience is all by which the entry of a pool may name what the token was made for; of
	// kinds whose clients no pool lists it is empty.
	Audience []string
	Expires  time.Time // when the token expires; zero: not known, or never

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

// remembered is the proof as it is remembered: without the claims, which are to be had again.
func (p *Proof) remembered() *Proof { return p.with(nil) }

// with is a proof with other claims.
func (p *Proof) with(claims map[string]any) *Proof {
	other := *p
	other.claims = claims
	return &other
}

// ofApp are the claims of a login at a provider whose token is an app's, and has none.
func (p *Proof) ofApp() map[string]any {
	return map[string]any{"iss": p.Provider, "aud": p.ClientID, "sub": p.Subject}
}

// weight is about what a remembered proof takes up in memory, in bytes: itself, its
// standing and its place there, measured with Go 1.26; and its texts. Provider is the
// configuration's; ClientID is too, or one of Audience.
func (p *Proof) weight() int {
	const own, word = 344, 16
	w := own + len(p.Subject)
	for _, one := range p.Audience {
		w += word + len(one)
	}
	return w
}
