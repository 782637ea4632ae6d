package fence

import (
	"context"
	"sync"
	"time"
)

// invalidationLog is which announcements were heard. Each names the one before, so that a gap
// shows. It is safe for concurrent use.
type invalidationLog struct {
	// missed is called for a gap, before the announcement after it counts as heard.
	missed  func()
	mu      sync.Mutex
	last    [16]byte
	recent  map[[16]byte]bool // heard since begin, and the one before
	changed chan struct{}     // closed when something is heard
}

// maxRecent bounds what is remembered. Where a renewal asks for a head that was forgotten, the
// term of the lease ends, which costs hits only.
const maxRecent = 4096

// begin takes head for the last announcement. Where that was not heard, others before it may have
// been missed.
func (c *invalidationLog) begin(head [16]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.recent[head] {
		c.missed()
		c.reset(head)
	}
}

func (c *invalidationLog) reset(head [16]byte) {
	c.last, c.recent = head, map[[16]byte]bool{head: true}
	c.wake()
}

func (c *invalidationLog) wake() {
	if c.changed != nil {
		close(c.changed)
	}
	c.changed = make(chan struct{})
}

// append adds an announcement, which may show that others before it were missed.
func (c *invalidationLog) append(before, id [16]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before != c.last {
		c.missed()
		c.reset(before)
	} else if len(c.recent) >= maxRecent {
		c.reset(before)
	}
	c.last, c.recent[id] = id, true
	c.wake()
}

// await reports whether head was heard, or is within the time given.
func (c *invalidationLog) await(ctx context.Context, head [16]byte, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		c.mu.Lock()
		known, moved := c.recent[head], c.changed
		c.mu.Unlock()
		if known {
			return true
		}
		select {
		case <-moved:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
