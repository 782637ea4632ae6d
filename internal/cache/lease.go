package cache

import (
	"sync/atomic"
	"time"
)

// Lease is a process's right to serve from its memory what other processes can
// end. Whoever keeps it extends it; it lapses by itself, on the monotonic clock of
// the process. It begins lapsed. It is safe for concurrent use.
//
// It runs in terms: what was put into memory under a passed term is never served
// again, for what ended it may have gone unheard.
type Lease struct {
	start time.Time
	until atomic.Int64 // since start
	term  atomic.Uint64
}

// NewLease returns a lapsed lease in its first term.
func NewLease() *Lease { return &Lease{start: time.Now()} }

// Extend lets the lease last until t, or longer if it already does.
func (l *Lease) Extend(t time.Time) {
	until := int64(t.Sub(l.start))
	for {
		old := l.until.Load()
		if until <= old || l.until.CompareAndSwap(old, until) {
			return
		}
	}
}

// NextTerm ends the present term, and with it all that is in memory.
func (l *Lease) NextTerm() { l.term.Add(1) }

// Held reports whether the lease has not lapsed.
func (l *Lease) Held() bool { return int64(time.Since(l.start)) < l.until.Load() }

// Left is how long the lease will last; negative is how long ago it lapsed.
func (l *Lease) Left() time.Duration {
	return time.Duration(l.until.Load()) - time.Since(l.start)
}

// covers reports whether what began in that term may be served now. The lease is
// read before the term: whoever regains a lapsed lease begins the next term first,
// so a lease that is seen regained shows its new term too.
func (l *Lease) covers(term uint64) bool { return l.Held() && l.term.Load() == term }
