package fence

import (
	"context"
	"sync"
	"time"
)

// invalidationLog knows which announcements were heard. Each names the one before, so what
// is missing shows. It is safe for concurrent use.
type invalidationLog struct {
	// missed is called before what follows a gap counts as heard.
	missed  func()
	mu      sync.Mutex
	last    [16]byte
	recent  map[[16]byte]bool // heard since begin, and the one before
	changed chan struct{}     // closed when something is heard
}

// maxRecent bounds what is remembered. A renewal asks for the head of a moment ago;
// one that finds it forgotten ends the term, which costs no more than time.
const maxRecent = 4096

// begin takes head for the last announcement. Where it was not heard, others may
// have gone unheard before it.
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

// append notes an announcement, which may tell that those before it went unheard.
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
