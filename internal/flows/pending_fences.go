package flows

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

const (
	// maxPendingFences bounds the scopes that are to be ended. Beyond it the last are let go:
	// what is cached for them then lives until it expires.
	maxPendingFences = 100_000
	// pendingFencesAtOnce is how many are ended in one fence.
	pendingFencesAtOnce = 60
)

// pendingFences is an outbox: scopes that a change has outdated, and that the fleet could not be
// told of. They are fenced as soon as it can be reached again: what was changed stays changed,
// whether or not its client could be told.
type pendingFences struct {
	mu         sync.Mutex
	scopes     map[cache.Scope]int // how often each was added since it was delivered
	delivering bool
	dropped    uint64 // that found no room, so far
	settled    func() // is called when there are none any more
}

// PendingFences are the scopes that are to end, in one process.
type PendingFences struct {
	// Owed are outdated, and the fleet could not be told of it yet. Deferred end when the call that
	// may have outdated them cannot be made any more.
	Owed, Deferred int
	Dropped        uint64 // scopes that found no room: what is cached for them lives until it expires
}

// PendingFences are those of now.
func (s *Service) PendingFences() PendingFences {
	outbox := &s.fences.outbox
	outbox.mu.Lock()
	defer outbox.mu.Unlock()
	return PendingFences{len(outbox.scopes), s.fences.deferred.count(), outbox.dropped}
}

// deliverLater ends scopes in the background.
func (f *fencer) deliverLater(scopes []cache.Scope) {
	f.outbox.mu.Lock()
	defer f.outbox.mu.Unlock()
	if len(f.outbox.scopes) == 0 {
		f.Owed(true)
	}
	for _, scope := range scopes {
		if f.outbox.scopes[scope] > 0 || len(f.outbox.scopes) < maxPendingFences {
			f.outbox.scopes[scope]++
		} else {
			f.outbox.dropped++
		}
	}
	if !f.outbox.delivering {
		f.outbox.delivering = f.start(f.deliver)
	}
}

// deliver ends what is pending, until nothing is, or Close.
func (f *fencer) deliver() {
	pause := 100 * time.Millisecond
	for {
		due := f.outbox.nextBatch()
		if len(due) == 0 {
			return
		}
		if f.deliverOnce(slices.Collect(maps.Keys(due))) {
			f.outbox.delivered(due)
			pause = 100 * time.Millisecond
			continue
		}
		if !f.pause(pause) {
			return
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (f *fencer) deliverOnce(scopes []cache.Scope) bool {
	ctx, cancel := context.WithTimeout(context.Background(), f.Timeout)
	defer cancel()
	return f.tryEnd(ctx, scopes...) == nil
}

// nextBatch are scopes that are pending, and how often; where there are none, delivery
// ends.
func (d *pendingFences) nextBatch() map[cache.Scope]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.scopes) == 0 {
		d.settled()
	}
	due := map[cache.Scope]int{}
	for scope, n := range d.scopes {
		if due[scope] = n; len(due) == pendingFencesAtOnce {
			break
		}
	}
	d.delivering = len(due) > 0
	return due
}

// delivered removes what was fenced, unless it was added once more since: that change may have
// come after the fence.
func (d *pendingFences) delivered(due map[cache.Scope]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for scope, n := range due {
		if d.scopes[scope] == n {
			delete(d.scopes, scope)
		}
	}
}
