package cache

import (
	"slices"
	"time"
)

// A Stamp ties what was read or obtained to the epochs of that moment. The zero
// Stamp is never valid.
type Stamp struct {
	scopes []scopeEpoch
	lease  *Lease // nil: this process is alone
	term   uint64
}

// scopeEpoch is one scope's epoch, in this process and in the fleet.
type scopeEpoch struct {
	state   *state
	epoch   *epoch
	shared  Epoch
	pending bool // the epoch's, kept here for Stands: it costs a processor less to read
}

func newScopeEpoch(s *state, e *epoch) scopeEpoch {
	return scopeEpoch{state: s, epoch: e, pending: e.pending}
}

// home is the state of the first scope; nil where nothing is stamped.
func (s Stamp) home() *state {
	if len(s.scopes) == 0 {
		return nil
	}
	return s.scopes[0].state
}

// Valid reports whether what is stamped may be served from memory: it stands, and
// in a fleet the lease is held under which it was put there. It takes no lock and
// allocates nothing: the hot path asks it for each answer.
func (s Stamp) Valid() bool {
	return s.Stands() && (s.lease == nil || s.lease.covers(s.term))
}

// leased reports whether this process may serve from memory at all.
func (s Stamp) leased() bool { return s.lease == nil || s.lease.Held() }

// Stands reports whether, as far as this process knows, no scope was fenced since
// or is being fenced. In a fleet it also wants to know the epochs that the fleet
// has: without them nothing is kept.
func (s Stamp) Stands() bool {
	for i := range s.scopes {
		m := &s.scopes[i]
		if m.state.now.Load() != m.epoch || m.pending || s.lease != nil && m.shared == (Epoch{}) {
			return false
		}
	}
	return len(s.scopes) > 0
}

// Suspended reports whether the stamp may stand again: it stood but for fences that are
// open, and that may be cancelled yet.
func (s Stamp) Suspended() bool {
	_, suspended := s.suspended()
	return suspended
}

// suspended is Suspended, and when the last of those fences began.
func (s Stamp) suspended() (since time.Time, open bool) {
	var last int64
	for i := range s.scopes {
		m := &s.scopes[i]
		if m.pending || s.lease != nil && m.shared == (Epoch{}) {
			return time.Time{}, false
		}
		if m.state.now.Load() != m.epoch {
			if m.state.restorable.Load() != m.epoch {
				return time.Time{}, false
			}
			last, open = max(last, m.state.began.Load()), true
		}
	}
	return time.Unix(0, last), open
}

// Agreed reports whether the stamp would differ had any process of the fleet
// answered a fence of its scopes before it was made: the epochs that the fleet has
// are part of it, or this process is alone. It may have been fenced since.
func (s Stamp) Agreed() bool {
	for i := range s.scopes {
		if s.lease != nil && s.scopes[i].shared == (Epoch{}) {
			return false
		}
	}
	return len(s.scopes) > 0
}

// With is the stamp with the epochs that the fleet has for its scopes.
func (s Stamp) With(epochs map[Scope]Epoch) Stamp {
	s.scopes = slices.Clone(s.scopes)
	for i := range s.scopes {
		s.scopes[i].shared = epochs[s.scopes[i].state.scope]
	}
	return s
}

// Only is the stamp of one of its scopes; it is never valid if that is none of them.
func (s Stamp) Only(scope Scope) Stamp {
	i := slices.IndexFunc(s.scopes, func(m scopeEpoch) bool { return m.state.scope == scope })
	if i < 0 {
		return Stamp{}
	}
	s.scopes = s.scopes[i : i+1 : i+1]
	return s
}

// Shared are the scopes and the epochs that the fleet has for them, in the order
// in which they were stamped.
func (s Stamp) Shared() (scopes []Scope, epochs []Epoch) {
	for _, m := range s.scopes {
		scopes, epochs = append(scopes, m.state.scope), append(epochs, m.shared)
	}
	return scopes, epochs
}

// JoinStamps is the stamp of all that a and b stamp; it is never valid if one of them
// stamps nothing.
func JoinStamps(a, b Stamp) Stamp {
	if len(a.scopes) == 0 || len(b.scopes) == 0 {
		return Stamp{}
	}
	return Stamp{scopes: slices.Concat(a.scopes, b.scopes), lease: a.lease, term: min(a.term, b.term)}
}

// id spells the epochs, to name a flight with.
func (s Stamp) id() string {
	b := make([]byte, 0, 32*len(s.scopes))
	for _, m := range s.scopes {
		b = append(b, m.epoch.id[:]...)
		b = append(b, m.shared[:]...)
	}
	return string(b)
}
