package cache

import (
	"crypto/rand"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"weak"
)

// A Scope is what a fence can end: everything of one identity, of one pool or of
// one login.
type Scope string

// IdentityScope covers what was obtained for one identity.
func IdentityScope(id string) Scope { return Scope("i/" + id) }

// PoolScope covers what was obtained under one pool's settings.
func PoolScope(id string) Scope { return Scope("p/" + id) }

// LoginScope covers what was obtained for whoever a pool's login belongs to.
func LoginScope(pool, provider, subject string) Scope {
	b := appendField([]byte("l/"), pool)
	b = appendField(b, provider)
	return Scope(appendField(b, subject))
}

// Epochs hands out the present epoch of scopes and ends them. Epochs are random
// values, never counters: one that was lost is made anew and matches nothing
// that came before. It is safe for concurrent use.
//
// A scope's state lives as long as something refers to it: an entry, a flight
// or an open fence. A fence on a scope that nothing refers to has nothing to end.
type Epochs struct {
	mu     sync.Mutex
	states map[Scope]weak.Pointer[state]
}

// NewEpochs returns an empty set of epochs.
func NewEpochs() *Epochs {
	return &Epochs{states: make(map[Scope]weak.Pointer[state])}
}

// state is one scope's present epoch. Readers load it without a lock.
type state struct {
	now  atomic.Pointer[epoch]
	mu   sync.Mutex // orders fences
	open int        // fences begun and not done
}

type epoch struct {
	id      [16]byte
	pending bool
}

func newEpoch(pending bool) *epoch {
	e := &epoch{pending: pending}
	rand.Read(e.id[:])
	return e
}

func (e *Epochs) state(scope Scope) *state {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.states[scope].Value(); s != nil {
		return s
	}
	s := new(state)
	s.now.Store(newEpoch(false))
	e.states[scope] = weak.Make(s)
	runtime.AddCleanup(s, e.forget, scope)
	return s
}

// forget drops a scope whose state is gone, unless it was made anew meanwhile.
func (e *Epochs) forget(scope Scope) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.states[scope].Value() == nil {
		delete(e.states, scope)
	}
}

// Read returns the stamp of the scopes' present epochs.
func (e *Epochs) Read(scopes ...Scope) Stamp {
	marks := make([]mark, len(scopes))
	for i, scope := range scopes {
		s := e.state(scope)
		marks[i] = mark{state: s, epoch: s.now.Load()}
	}
	return Stamp{marks: marks}
}

// A Stamp ties what was read or obtained to the epochs of that moment. The zero
// Stamp is never valid.
type Stamp struct{ marks []mark }

type mark struct {
	state *state
	epoch *epoch
}

// Valid reports whether no scope was fenced since, or is being fenced. It takes
// no lock and allocates nothing: the hot path asks it for each answer.
func (s Stamp) Valid() bool {
	for _, m := range s.marks {
		if m.state.now.Load() != m.epoch || m.epoch.pending {
			return false
		}
	}
	return len(s.marks) > 0
}

// Join is the stamp of all that a and b stamp; it is never valid if one of them
// stamps nothing.
func Join(a, b Stamp) Stamp {
	if len(a.marks) == 0 || len(b.marks) == 0 {
		return Stamp{}
	}
	return Stamp{marks: slices.Concat(a.marks, b.marks)}
}

// id spells the epochs, to name a flight with.
func (s Stamp) id() string {
	b := make([]byte, 0, 16*len(s.marks))
	for _, m := range s.marks {
		b = append(b, m.epoch.id[:]...)
	}
	return string(b)
}

// Fence ends the scopes' epochs before a change that may outdate what was
// obtained under them. Until Done, nothing obtained earlier is valid and
// nothing obtained meanwhile becomes so. Every Fence must be followed by Done,
// also when the outcome of the change is unknown, or by Cancel.
func (e *Epochs) Fence(scopes ...Scope) *Fence {
	f := &Fence{fenced: make([]fenced, len(scopes))}
	for i, scope := range scopes {
		f.fenced[i] = e.state(scope).begin()
	}
	return f
}

// Fence is a change under way. Its methods are for one goroutine.
type Fence struct {
	fenced []fenced
	done   bool
}

// fenced is a scope under a fence: the epoch that the fence began, and the one
// that it found.
type fenced struct {
	state         *state
	begun, before *epoch
}

// Done opens new epochs after the change. The stamp it returns is valid only if
// no other fence overlapped this one: then what the change itself brought is
// the newest there is, and may be stored under it. Only the first call of Done or
// Cancel counts; later ones return a stamp that is never valid.
func (f *Fence) Done() Stamp { return f.end(false) }

// Cancel says that nothing was changed after all: what was valid before the fence
// is so again, unless another fence overlapped this one.
func (f *Fence) Cancel() { f.end(true) }

func (f *Fence) end(unchanged bool) Stamp {
	if f.done {
		return Stamp{}
	}
	f.done = true
	alone := true
	marks := make([]mark, len(f.fenced))
	for i, s := range f.fenced {
		next, undisturbed := s.state.finish(s, unchanged)
		marks[i] = mark{state: s.state, epoch: next}
		alone = alone && undisturbed
	}
	if !alone {
		return Stamp{}
	}
	return Stamp{marks: marks}
}

func (s *state) begin() fenced {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	f := fenced{state: s, before: s.now.Load(), begun: newEpoch(true)}
	s.now.Store(f.begun)
	return f
}

func (s *state) finish(f fenced, unchanged bool) (next *epoch, undisturbed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	undisturbed = s.now.Load() == f.begun
	if unchanged && undisturbed && s.open == 0 && !f.before.pending {
		next = f.before
	} else {
		next = newEpoch(s.open > 0)
	}
	s.now.Store(next)
	return next, undisturbed
}
