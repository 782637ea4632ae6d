package cache

import (
	"context"
	"crypto/rand"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// A Scope is what a fence can end: everything of one identity or of one login, and of
// one pool its credentials or what is known of its logins.
type Scope string

// IdentityScope covers what was obtained for one identity.
func IdentityScope(id string) Scope { return Scope("i/" + id) }

// Identity is the identity whose IdentityScope it is; empty for scopes of other kinds.
func (s Scope) Identity() string {
	id, ok := strings.CutPrefix(string(s), "i/")
	if !ok {
		return ""
	}
	return id
}

// PoolScope covers which identities the logins of one pool have: it rests on the providers
// that the pool takes.
func PoolScope(id string) Scope { return Scope("p/" + id) }

// CredentialsScope covers the credentials of one pool: they rest on its roles, role
// mappings and tag maps too.
func CredentialsScope(pool string) Scope { return Scope("c/" + pool) }

// PoolScopes cover all that was obtained under one pool's settings.
func PoolScopes(id string) []Scope { return []Scope{PoolScope(id), CredentialsScope(id)} }

// LoginScope covers what was obtained for whoever a login belongs to, in any pool: who
// changes it need not know the pool.
func LoginScope(provider, subject string) Scope {
	b := appendField([]byte("l/"), provider)
	return Scope(appendField(b, subject))
}

// UserScope covers what was obtained for a backend's own user, in one pool: another pool's
// provider of the same name has other users.
func UserScope(pool, provider, user string) Scope {
	b := appendField([]byte("u/"), pool)
	b = appendField(b, provider)
	return Scope(appendField(b, user))
}

// Epochs hands out the present epoch of scopes and ends them. Epochs are random
// values, never counters: one that was lost is made anew and matches nothing
// that came before. It is safe for concurrent use.
//
// A scope's state lives as long as something refers to it: an entry, a flight
// or an open fence. A fence on a scope that nothing refers to has nothing to end.
type Epochs struct {
	fleet  Fleet  // nil: this process is alone
	lease  *Lease // nil: likewise
	mu     sync.Mutex
	states map[Scope]weak.Pointer[state]

	recorders recorders
	fences    fenceCounts
}

// NewEpochs returns an empty set of epochs of a process that shares its cache
// with nobody.
func NewEpochs() *Epochs {
	return &Epochs{states: make(map[Scope]weak.Pointer[state])}
}

// ShareWith lets the epochs agree with a fleet. Call it before any other method.
func (e *Epochs) ShareWith(fleet Fleet) { e.fleet, e.lease = fleet, fleet.Lease() }

// End ends the scopes' present epochs in this process: a fence that another
// process made reached it.
func (e *Epochs) End(scopes ...Scope) {
	e.recorders.record(scopes...)
	for _, scope := range scopes {
		if s := e.known(scope); s != nil {
			s.finish(s.begin(), false)
		}
	}
}

// known is the state of a scope that something refers to, or nil.
func (e *Epochs) known(scope Scope) *state {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.states[scope].Value()
}

// state is one scope's present epoch. Readers load it without a lock.
type state struct {
	scope Scope // the one copy of its name
	now   atomic.Pointer[epoch]
	// restorable is the epoch to return to when all fences that are open are cancelled; nil where
	// one of them ended otherwise. While none is open, it is the present one, or nil.
	restorable atomic.Pointer[epoch]
	began      atomic.Int64 // when the last fence did, in Unix nanoseconds
	mu         sync.Mutex   // orders fences
	open       int          // fences begun and not done
	contents   homeContents // with this scope as its home scope
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
	s := &state{scope: scope}
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

// Read returns the stamp of the scopes' present epochs in this process. In a
// fleet it becomes valid when With adds the epochs that the fleet has.
func (e *Epochs) Read(scopes ...Scope) Stamp {
	stamp := e.stamp(make([]scopeEpoch, len(scopes)))
	for i, scope := range scopes {
		s := e.state(scope)
		stamp.scopes[i] = newScopeEpoch(s, s.now.Load())
	}
	return stamp
}

func (e *Epochs) stamp(marks []scopeEpoch) Stamp {
	stamp := Stamp{scopes: marks, lease: e.lease}
	if e.lease != nil {
		stamp.term = e.lease.term.Load()
	}
	return stamp
}

// A Fence is a change under way that may outdate what was obtained for its
// scopes. Its methods are for one goroutine.
type Fence struct {
	epochs *Epochs
	fenced []fenced
	change SharedFence // nil: this process is alone
	stamp  Stamp       // of the lease's term when the fence began
	begun  bool
	ended  bool
}

// fenced is a scope under a fence, with the epoch that the fence began.
type fenced struct {
	state *state
	begun *epoch
}

// endWithin bounds how long the end of a fence tries to reach the fleet. It goes
// on after its caller has left.
const endWithin = 5 * time.Second

// Fence ends the scopes' epochs before a change that may outdate what was
// obtained under them. Until the fence ends, nothing obtained earlier is valid and
// nothing obtained meanwhile becomes so, in any process of the fleet. It fails with
// ErrFleet; the change must not be made then. Each scope may be named once. Every
// Fence must be followed by Done, Cancel or LeavePending.
func (e *Epochs) Fence(ctx context.Context, scopes ...Scope) (*Fence, error) {
	f := &Fence{epochs: e, fenced: make([]fenced, len(scopes)), stamp: e.stamp(make([]scopeEpoch, len(scopes)))}
	for i, scope := range scopes {
		f.fenced[i] = e.state(scope).begin()
	}
	if e.fleet == nil || len(scopes) == 0 {
		e.fences.begin(f)
		return f, nil
	}
	change, err := e.fleet.BeginFence(ctx, scopes)
	if err != nil {
		f.end(nil, true)
		return nil, err
	}
	f.change = change
	e.fences.begin(f)
	return f, nil
}

// Done opens new epochs after the change. The stamp it returns is valid only if
// no other fence overlapped this one: then what the change itself brought is
// the newest there is, and may be stored under it. It fails with ErrFleet when it
// is not known that no process will serve what is older than the change: nobody
// may be told then that it was made. Only the first call of Done, Cancel or LeavePending
// counts; later ones return a stamp that is never valid.
func (f *Fence) Done() (Stamp, error) {
	if f.ended {
		return Stamp{}, nil
	}
	if f.change == nil {
		f.epochs.fences.done.Add(1)
		return f.end(nil, false), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	epochs, err := f.change.Done(ctx)
	if err != nil {
		f.epochs.fences.failed.Add(1)
	} else {
		f.epochs.fences.done.Add(1)
	}
	return f.end(epochs, false), err
}

// Cancel says that nothing was changed after all: what was valid before the fence is so
// again once no fence is open, unless one that overlapped this one was not cancelled.
func (f *Fence) Cancel() {
	if !f.ended {
		f.epochs.fences.cancelled.Add(1)
	}
	if f.change != nil && !f.ended {
		ctx, cancel := context.WithTimeout(context.Background(), endWithin)
		defer cancel()
		if f.change.Cancel(ctx) != nil {
			f.end(nil, false) // what the fleet holds pending is not valid here either
			return
		}
	}
	f.end(nil, true)
}

// LeavePending ends a fence around a change of which it is not known whether it was
// made, or will be yet. In a fleet the epochs stay pending until they lapse.
func (f *Fence) LeavePending() {
	if !f.ended {
		f.epochs.fences.left.Add(1)
	}
	f.end(nil, false)
}

// end ends the fence in this process.
func (f *Fence) end(shared []Epoch, unchanged bool) Stamp {
	if f.ended {
		return Stamp{}
	}
	f.ended = true
	if f.begun {
		f.epochs.fences.open.Add(-1)
	}
	if !unchanged {
		f.epochs.recorders.record(f.Scopes()...)
	}
	stamp := f.stamp
	alone := true // in this process: a mark without an epoch of the fleet is never valid
	for i, s := range f.fenced {
		next, undisturbed := s.state.finish(s, unchanged)
		stamp.scopes[i] = newScopeEpoch(s.state, next)
		if i < len(shared) {
			stamp.scopes[i].shared = shared[i]
		}
		alone = alone && undisturbed
	}
	if !alone {
		return Stamp{}
	}
	return stamp
}

// Scopes are those that the fence is over.
func (f *Fence) Scopes() []Scope {
	scopes := make([]Scope, len(f.fenced))
	for i, s := range f.fenced {
		scopes[i] = s.state.scope
	}
	return scopes
}

func (s *state) begin() fenced {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == 0 {
		s.restorable.Store(s.now.Load())
	}
	s.open++
	s.began.Store(time.Now().UnixNano())
	f := fenced{state: s, begun: newEpoch(true)}
	s.now.Store(f.begun)
	return f
}

func (s *state) finish(f fenced, unchanged bool) (next *epoch, undisturbed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	undisturbed = s.now.Load() == f.begun
	if !unchanged {
		s.restorable.Store(nil)
	}
	if next = s.restorable.Load(); next == nil || s.open > 0 {
		next = newEpoch(s.open > 0)
	}
	s.now.Store(next)
	return next, undisturbed
}
