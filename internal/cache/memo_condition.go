package cache

import "time"

// Proof is a proof that may stop holding before its entry expires. Holds runs
// for each answer: it takes no lock and allocates nothing.
type Proof interface{ Holds(now time.Time) bool }

// MemoCondition says until when, and under which proofs, an answer may be repeated to
// whoever sends the same bytes again. It does not change once it is made.
type MemoCondition struct {
	// Entry is the one that the answer was made from, and Floor the least remaining
	// life that its caller wants.
	Entry *Entry
	Floor time.Duration
	// Proofs are those of the caller's logins; none means that the identity id is the
	// proof.
	Proofs []Proof
	// Ref is where a fleet keeps the entry; nil for none.
	Ref EntryRef
	// Renewed says that the entry is renewed ahead, which the full path looks after.
	Renewed bool
}

// deadline is the last moment of a plain hit: after it the caller may have to wait,
// or the full path sees to a renewal that may be made.
func (g *MemoCondition) deadline() time.Time {
	d := g.Entry.Credentials.Expires.Add(-g.Floor)
	if !g.Renewed || g.Entry.RenewalEnded() {
		return d
	}
	if next := g.Entry.NextRenewal(); next.Before(d) {
		return next
	}
	return d
}

// Holds reports whether an answer may be repeated now, as far as time and proofs
// tell: whether its entry stands is another question.
func (g *MemoCondition) Holds(now time.Time) bool {
	return now.Before(g.deadline()) && g.proofsHold(now)
}

// proofsHold reports whether the proofs hold still.
func (g *MemoCondition) proofsHold(now time.Time) bool {
	for _, p := range g.Proofs {
		if !p.Holds(now) {
			return false
		}
	}
	return true
}
