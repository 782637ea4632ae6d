package cache

import "sync/atomic"

// FenceCounts are the fences of one process: how many are open, and how many ended in which way
// so far.
type FenceCounts struct {
	Open int
	// Done ended with a change that was made, Cancelled without one, LeftPending with one of
	// which nobody knows whether it was made. Failed could not be ended: the fleet was not
	// reached.
	Done, Cancelled, LeftPending, Failed uint64
}

// Fences are the process's fences so far.
func (e *Epochs) Fences() FenceCounts {
	c := &e.fences
	return FenceCounts{int(c.open.Load()), c.done.Load(), c.cancelled.Load(), c.left.Load(), c.failed.Load()}
}

type fenceCounts struct {
	open                          atomic.Int64
	done, cancelled, left, failed atomic.Uint64
}

func (c *fenceCounts) begin(f *Fence) {
	f.begun = true
	c.open.Add(1)
}
