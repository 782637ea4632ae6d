package flows

import (
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

const (
	// maxDeferredEnds bounds the scopes that are to end later. What finds no room ends at once.
	maxDeferredEnds = 100_000
	// deferredEndsAtOnce is how many end in one fence.
	deferredEndsAtOnce = 60
)

// deferredEnds are scopes of calls of which nobody knows what they did, made by somebody who has not
// shown a right to the identity that he named. They end once the call cannot be made any more and
// the backend answers, so that what ends can be brought anew: each at most once in as long as a
// call may take, however many such calls there are. A fleet notes them too, so that another broker
// ends those of one that died. It is safe for concurrent use; the zero value is ready.
type deferredEnds struct {
	mu      sync.Mutex
	ends    map[cache.Scope]deferredEnd
	running bool
}

// deferredEnd is the end of one scope.
type deferredEnd struct {
	due      time.Time
	again    time.Time // the end of calls that were made since it became due; not after due: none
	identity string    // that was named
}

// add notes scopes that end at a time, and returns those for which there is no room.
func (d *deferredEnds) add(identity string, scopes []cache.Scope, at time.Time) (rest []cache.Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ends == nil {
		d.ends = map[cache.Scope]deferredEnd{}
	}
	for _, scope := range scopes {
		end, known := d.ends[scope]
		switch {
		case known:
			end.again = later(end.again, at)
		case len(d.ends) >= maxDeferredEnds:
			rest = append(rest, scope)
			continue
		default:
			end = deferredEnd{due: at, again: at, identity: identity}
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

// next are scopes that are due, with one of the identities that were named, or how long none will
// be. more is false where there are none at all; nobody looks after them then.
func (d *deferredEnds) next(now time.Time) (due []cache.Scope, identity string, wait time.Duration, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = len(d.ends) > 0
	for scope, end := range d.ends {
		left := end.due.Sub(now)
		switch {
		case left <= 0:
			if due, identity = append(due, scope), end.identity; len(due) == deferredEndsAtOnce {
				return due, identity, 0, true
			}
		case wait == 0 || left < wait:
			wait = left
		}
	}
	return due, identity, wait, d.running
}

// ended removes scopes that ended, unless calls were made since that they have to end for again.
func (d *deferredEnds) ended(scopes []cache.Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, scope := range scopes {
		end := d.ends[scope]
		if end.again.After(end.due) {
			end.due = end.again
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
