package cache

import "time"

// Holder is a proof that may stop holding before its entry expires. Holds runs
// for each answer: it takes no lock and allocates nothing.
type Holder interface{ Holds(now time.Time) bool }

// Guard says until when, and under which proofs, an answer may be repeated to
// whoever sends the same bytes again.
type Guard struct {
	entry  *Entry
	floor  time.Duration
	proofs []Holder
	spot   Spot
}

// NewGuard guards answers made from entry for askers with that floor, who
// proved their logins by proofs; none means that the identity id is the proof.
// spot is where a fleet keeps the entry, nil for none.
func NewGuard(entry *Entry, floor time.Duration, proofs []Holder, spot Spot) *Guard {
	return &Guard{entry: entry, floor: floor, proofs: proofs, spot: spot}
}

// Entry is the one that the answers were made from.
func (g *Guard) Entry() *Entry { return g.entry }

// Floor is the least remaining life that its askers want.
func (g *Guard) Floor() time.Duration { return g.floor }

// Spot is where the fleet keeps the entry; nil for none.
func (g *Guard) Spot() Spot { return g.spot }

// deadline is the last moment of a plain hit: after it the asker may have to
// wait, or a renewal may be due, which the full path decides.
func (g *Guard) deadline() time.Time {
	d := g.entry.Credentials.Expires.Add(-g.floor)
	if due := g.entry.Due(); due.Before(d) {
		return due
	}
	return d
}

// Holds reports whether an answer may be repeated now, as far as time and proofs
// tell: whether its entry stands is another question.
func (g *Guard) Holds(now time.Time) bool { return now.Before(g.deadline()) && g.proved(now) }

// proved reports whether the proofs hold still.
func (g *Guard) proved(now time.Time) bool {
	for _, p := range g.proofs {
		if !p.Holds(now) {
			return false
		}
	}
	return true
}
