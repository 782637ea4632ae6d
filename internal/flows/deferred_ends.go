package flows

import (
	"cmp"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

const (
	// maxDeferredEnds bounds the scopes that are to end later. What finds no room ends at once.
	maxDeferredEnds = 100_000
	// deferredEndsAtOnce is how many end in one fence.
	deferredEndsAtOnce = 60
	// deferredEndAgain is how long after one could not be made it is tried again.
	deferredEndAgain = 30 * time.Second
)

// deferredEnds are scopes of calls of which nobody knows what they did, made by somebody who has not
// shown a right to the identity that he named. They end once the call cannot be made any more and
// the backend answers, so that what ends can be brought anew: each at most once in as long as a
// call may take, however many such calls there are. A fleet notes them too, so that another broker
// ends those of one that died. It is safe for concurrent use.
type deferredEnds struct {
	mu      sync.Mutex
	ends    map[cache.Scope]deferredEnd
	running bool
	woken   chan struct{} // gets one when something may be due earlier
}

func newDeferredEnds() deferredEnds {
	return deferredEnds{ends: map[cache.Scope]deferredEnd{}, woken: make(chan struct{}, 1)}
}

func (d *deferredEnds) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// deferredEnd is the end of one scope.
type deferredEnd struct {
	due      time.Time
	since    time.Time // when it was due first
	until    time.Time // calls that it has to end for may be made until then
	identity string    // for whom the backend has to answer
}

// add notes scopes that end at a time, and returns those for which there is no room.
func (d *deferredEnds) add(identity string, scopes []cache.Scope, at time.Time) (rest []cache.Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wake()
	for _, scope := range scopes {
		end, known := d.ends[scope]
		switch {
		case known:
			end.until = later(end.until, at)
		case len(d.ends) >= maxDeferredEnds:
			rest = append(rest, scope)
			continue
		default:
			end = deferredEnd{due: at, since: at, until: at, identity: cmp.Or(scope.Identity(), identity)}
		}
		d.ends[scope] = end
	}
	return rest
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// named are the scopes with the identities that were named.
func (d *deferredEnds) named(scopes []cache.Scope) (ends []cache.DeferredEnd) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, scope := range scopes {
		if end, known := d.ends[scope]; known {
			ends = append(ends, cache.DeferredEnd{Scope: scope, Identity: end.identity})
		}
	}
	return ends
}

// begin reports whether nobody looks after the ends yet, and the caller has to.
func (d *deferredEnds) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	begins := !d.running && len(d.ends) > 0
	d.running = d.running || begins
	return begins
}

// dueEnds are scopes that are due for one identity.
type dueEnds struct {
	scopes       []cache.Scope
	identity     string
	since, taken time.Time // since when the first of them has been due, and when they were taken
}

// take takes scopes that are due for the identity that has been longest, or tells how long none will
// be. What is taken is due again after deferredEndAgain, unless ended says that it has ended. more
// is false where there are none at all; nobody looks after them then.
func (d *deferredEnds) take(now time.Time) (due dueEnds, wait time.Duration, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = len(d.ends) > 0
	var first deferredEnd
	for _, end := range d.ends {
		if first.due.IsZero() || end.due.Before(first.due) {
			first = end
		}
	}
	if wait = first.due.Sub(now); !d.running || wait > 0 {
		return dueEnds{}, wait, d.running
	}
	due = dueEnds{identity: first.identity, since: first.since, taken: now}
	for scope, end := range d.ends {
		if end.identity == due.identity && !end.due.After(now) && len(due.scopes) < deferredEndsAtOnce {
			due.scopes = append(due.scopes, scope)
			end.due = now.Add(deferredEndAgain)
			d.ends[scope] = end
		}
	}
	return due, 0, true
}

// ended removes scopes that were taken and have ended since, unless calls may be made yet that they
// have to end for again.
func (d *deferredEnds) ended(due dueEnds) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wake()
	for _, scope := range due.scopes {
		end := d.ends[scope]
		if end.until.After(due.taken) {
			end.due, end.since = end.until, end.until
			d.ends[scope] = end
			continue
		}
		delete(d.ends, scope)
	}
}

// count is how many scopes there are.
func (d *deferredEnds) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ends)
}
