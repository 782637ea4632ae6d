package fleet

import (
	"errors"
	"sync/atomic"
	"time"
)

// errUnmet says that the cluster was not reached yet.
var errUnmet = errors.New("the cluster has not been met yet")

// meeting keeps a cluster that is not there at the start from costing everyone the
// time-outs of all of its addresses: no server is known yet that a guard could stand
// before. It is safe for concurrent use.
type meeting struct {
	met  atomic.Bool  // the cluster has told who keeps what
	next atomic.Int64 // when it may be asked again, in Unix nanoseconds
}

// meetEvery is how often somebody tries; what keeps the broker's lease always does.
const meetEvery = 5 * time.Second

// may reports whether the cluster is to be asked.
func (m *meeting) may(urgent bool) bool {
	if urgent || m.met.Load() {
		return true
	}
	now, next := time.Now(), m.next.Load()
	return now.UnixNano() >= next && m.next.CompareAndSwap(next, now.Add(meetEvery).UnixNano())
}
