package cache

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

// Memory is the tier of entries in this process, bounded by number, in all and for
// each home scope. Epochs belong to one Memory. It is safe for concurrent use.
type Memory struct {
	entries *otter.Cache[Key, *Entry] // nil: off
	now     func() time.Time
}

// NewMemory returns a tier of at most maxEntries entries; with zero it is off and
// keeps none. now is the clock, nil for the system's.
func NewMemory(maxEntries int, now func() time.Time) (*Memory, error) {
	if now == nil {
		now = time.Now
	}
	if maxEntries == 0 {
		return &Memory{now: now}, nil
	}
	entries, err := otter.New(&otter.Options[Key, *Entry]{
		MaximumSize: maxEntries,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[Key, *Entry]) time.Duration {
			return max(time.Nanosecond, e.Value.Credentials.Expires.Sub(now()))
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("make memory tier: %w", err)
	}
	return &Memory{entries: entries, now: now}, nil
}

// Get returns the live entry of key. One that expired or was ended is a miss, and is
// dropped; one that is only suspended is a miss, and stays.
func (m *Memory) Get(key Key) (*Entry, bool) {
	if m.Off() {
		return nil, false
	}
	e, ok := m.entries.GetIfPresent(key)
	if !ok {
		return nil, false
	}
	if now := m.now(); !e.Live(now) {
		if !e.suspended(now) {
			m.Drop(key, e)
		}
		return nil, false
	}
	return e, true
}

// Suspended reports whether the entry of key would be live but for fences that are open,
// the last of which began no longer ago than within, and that may be cancelled yet.
func (m *Memory) Suspended(key Key, within time.Duration) bool {
	if m.Off() {
		return false
	}
	e, ok := m.entries.GetIfPresent(key)
	if !ok || !e.suspended(m.now()) {
		return false
	}
	since, open := e.Stamp.suspended()
	return open && time.Since(since) < within
}

// Put stores e and reports whether it did. An entry whose stamp has passed
// always loses; within one epoch the later expiry wins. Of more than MaxEntries with
// one home scope, those that were stored first are dropped.
func (m *Memory) Put(key Key, e *Entry) bool {
	if m.Off() {
		return false
	}
	stored := false
	m.entries.Compute(key, func(old *Entry, found bool) (*Entry, otter.ComputeOp) {
		stored = e.Live(m.now()) && (!found || !old.Live(m.now()) ||
			old.Credentials.Expires.Before(e.Credentials.Expires))
		if !stored {
			return old, otter.CancelOp
		}
		return e, otter.WriteOp
	})
	if stored {
		for _, old := range e.Stamp.home().contents.addEntry(key) {
			m.entries.Invalidate(old)
		}
	}
	return stored
}

// Drop removes e under key, unless another entry took its place.
func (m *Memory) Drop(key Key, e *Entry) {
	if m.Off() {
		return
	}
	m.entries.ComputeIfPresent(key, func(old *Entry) (*Entry, otter.ComputeOp) {
		if old != e {
			return old, otter.CancelOp
		}
		return nil, otter.InvalidateOp
	})
}

// Off reports whether the tier keeps nothing.
func (m *Memory) Off() bool { return m.entries == nil }

// Len is the approximate number of entries.
func (m *Memory) Len() int {
	if m.Off() {
		return 0
	}
	return m.entries.EstimatedSize()
}

// Close ends the tier's own goroutine. The tier must not be used afterwards.
func (m *Memory) Close() {
	if !m.Off() {
		m.entries.StopAllGoroutines()
	}
}
