package redisconn

import (
	"errors"
	"sync/atomic"
	"time"
)

// ErrNotConnected says that the cluster was not reached yet.
var ErrNotConnected = errors.New("the cluster has not been met yet")

// bootstrapGate keeps requests from waiting for a cluster that nobody has reached yet: each would
// wait for the time-outs of all its addresses, for no server is known that a circuit breaker
// stands before. It is safe for concurrent use.
type bootstrapGate struct {
	open atomic.Bool  // the cluster was reached
	next atomic.Int64 // when it may be asked again, in Unix nanoseconds
}

// bootstrapEvery is how often a request may try to reach the cluster; renewals of the membership
// lease always may.
const bootstrapEvery = 5 * time.Second

// allow reports whether the cluster may be asked now.
func (m *bootstrapGate) allow(urgent bool) bool {
	if urgent || m.open.Load() {
		return true
	}
	now, next := time.Now(), m.next.Load()
	return now.UnixNano() >= next && m.next.CompareAndSwap(next, now.Add(bootstrapEvery).UnixNano())
}
