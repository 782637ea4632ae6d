package redisconn

import (
	"errors"
	"sync/atomic"
	"time"
)

// ErrNotConnected says that the cluster was not reached yet.
var ErrNotConnected = errors.New("the cluster has not been met yet")

// bootstrapGate keeps a cluster that is not there at the start from costing everyone the
// time-outs of all of its addresses: no server is known yet that a hook could stand
// before. It is safe for concurrent use.
type bootstrapGate struct {
	open atomic.Bool  // the cluster has told who keeps what
	next atomic.Int64 // when it may be asked again, in Unix nanoseconds
}

// bootstrapEvery is how often somebody tries; what keeps the broker's lease always does.
const bootstrapEvery = 5 * time.Second

// allow reports whether the cluster is to be asked.
func (m *bootstrapGate) allow(urgent bool) bool {
	if urgent || m.open.Load() {
		return true
	}
	now, next := time.Now(), m.next.Load()
	return now.UnixNano() >= next && m.next.CompareAndSwap(next, now.Add(bootstrapEvery).UnixNano())
}
