package cache

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Doubt is a change of a pool that is under way, or of which nobody knows whether it was
// made. Whoever brings an answer that rests on the pool looks whether there is one.
type Doubt struct {
	ID   [16]byte
	Pool string
	// Text tells what to read, and what it said before the change. The cache does not
	// read it.
	Text []byte
}

const (
	// MaxDoubts is how many changes of pools are noted at once.
	MaxDoubts = 64
	// MaxDoubtsOfPool is how many of them may be of one pool, so that whoever may change one
	// pool keeps nobody from changing others.
	MaxDoubtsOfPool = 8
)

// Doubts notes the changes of one process that shares its cache with nobody; package
// fleet has them for many. It is safe for concurrent use. Its errors are nil, but for
// ErrLimited where too many are noted, of all pools or of one.
type Doubts struct {
	mu    sync.Mutex
	noted map[[16]byte]Doubt
}

// PutDoubt notes a change, or replaces what was noted of it.
func (d *Doubts) PutDoubt(_ context.Context, one Doubt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.noted[one.ID]; !known && (len(d.noted) >= MaxDoubts || len(d.of(one.Pool)) >= MaxDoubtsOfPool) {
		return ErrLimited
	}
	if d.noted == nil {
		d.noted = map[[16]byte]Doubt{}
	}
	d.noted[one.ID] = one
	return nil
}

// ReplaceDoubt replaces what is noted of a change; one that is not noted any more stays so.
func (d *Doubts) ReplaceDoubt(_ context.Context, one Doubt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.noted[one.ID]; known {
		d.noted[one.ID] = one
	}
	return nil
}

// DropDoubt forgets a change: its outcome is known, and what it outdated has ended.
func (d *Doubts) DropDoubt(_ context.Context, one Doubt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.noted, one.ID)
	return nil
}

// DoubtsOf are the changes of a pool that are noted.
func (d *Doubts) DoubtsOf(_ context.Context, pool string) ([]Doubt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of(pool), nil
}

func (d *Doubts) of(pool string) []Doubt {
	return slices.DeleteFunc(slices.Collect(maps.Values(d.noted)), func(one Doubt) bool { return one.Pool != pool })
}

// AdoptDoubts returns none: nobody else's broker could have died.
func (d *Doubts) AdoptDoubts(context.Context) ([]Doubt, error) { return nil, nil }
