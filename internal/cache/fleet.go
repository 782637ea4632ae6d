package cache

import (
	"context"
	"errors"
)

// Epoch is the present stamp of a scope in a fleet: a random value, never a
// counter. The zero Epoch is none, and nothing is valid under it.
type Epoch [16]byte

// ErrFleet says that the fleet could not be reached or did not agree in time.
// What needed it was not done, or has an unknown outcome; it may be tried again.
var ErrFleet = errors.New("the shared cache is not available")

// Fleet is how the epochs of a process agree with those of the other processes
// that share a cache. Package fleet has it over Redis. Implementations are safe
// for concurrent use.
type Fleet interface {
	// Lease is the right to serve from memory.
	Lease() *Lease
	// BeginFence makes the scopes' epochs pending for all processes, before a change:
	// when it returns, none of them serves from its memory what was obtained for
	// the scopes, and nothing can be stored for them. It fails with ErrFleet, and
	// the change must not be made then.
	BeginFence(ctx context.Context, scopes []Scope) (SharedFence, error)
}

// SharedFence is a fence of the fleet that is open. It is for one goroutine; the first
// call of Done or Cancel counts. One that gets neither lapses by itself.
type SharedFence interface {
	// Done opens new epochs, after the change. It returns them in the order of
	// the scopes, or none if another fence overlapped this one. With an error it is
	// not known that nothing older will be served.
	Done(ctx context.Context) ([]Epoch, error)
	// Cancel says that nothing was changed: what was stored before is valid again,
	// unless another fence overlapped this one.
	Cancel(ctx context.Context) error
}

// Found is what a fleet has for a key: an entry, if there is one that may be
// served, and the stamp under which an exchange that begins now may be stored. That
// does not stand where a fence is open.
type Found struct {
	Entry *Entry // nil: none
	Stamp Stamp
	// Unmet says that the fleet knows nothing of the pool yet, and that so no epochs were made.
	Unmet bool
	// Fenced says that there is an entry that may not be served, and that a fence over
	// what it rests on began a moment ago: when that has ended, it may be.
	Fenced bool
}
