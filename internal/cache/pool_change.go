package cache

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// PoolChange is a change of a pool that is under way, or of which nobody knows whether it was
// made. Whoever brings an answer that rests on the pool looks whether there is one.
type PoolChange struct {
	ID   [16]byte
	Pool string
	// Text tells what to read, and what it said before the change. The cache does not
	// read it.
	Text []byte
}

const (
	// MaxPoolChanges is how many changes of pools are noted at once.
	MaxPoolChanges = 64
	// MaxChangesOfPool is how many of them may be of one pool, so that whoever may change one
	// pool keeps nobody from changing others.
	MaxChangesOfPool = 8
)

// PoolChanges notes the changes of one process that shares its cache with nobody; package
// fleet has them for many. It is safe for concurrent use. Its errors are nil, but for
// ErrLimited where too many are noted, of all pools or of one.
type PoolChanges struct {
	mu   sync.Mutex
	open map[[16]byte]PoolChange
}

// PutPoolChange notes a change, or replaces what was noted of it.
func (d *PoolChanges) PutPoolChange(_ context.Context, one PoolChange) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.open[one.ID]; !known && (len(d.open) >= MaxPoolChanges || len(d.of(one.Pool)) >= MaxChangesOfPool) {
		return ErrLimited
	}
	if d.open == nil {
		d.open = map[[16]byte]PoolChange{}
	}
	d.open[one.ID] = one
	return nil
}

// ReplacePoolChange replaces what is noted of a change; one that is not noted any more stays so.
func (d *PoolChanges) ReplacePoolChange(_ context.Context, one PoolChange) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.open[one.ID]; known {
		d.open[one.ID] = one
	}
	return nil
}

// DropPoolChange forgets a change: its outcome is known, and what it outdated has ended.
func (d *PoolChanges) DropPoolChange(_ context.Context, one PoolChange) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, one.ID)
	return nil
}

// PoolChangesOf are the changes of a pool that are noted.
func (d *PoolChanges) PoolChangesOf(_ context.Context, pool string) ([]PoolChange, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of(pool), nil
}

func (d *PoolChanges) of(pool string) []PoolChange {
	return slices.DeleteFunc(slices.Collect(maps.Values(d.open)), func(one PoolChange) bool { return one.Pool != pool })
}

// TakeOverPoolChanges returns none: nobody else's broker could have died.
func (d *PoolChanges) TakeOverPoolChanges(context.Context) ([]PoolChange, error) { return nil, nil }
