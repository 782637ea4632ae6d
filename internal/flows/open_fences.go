package flows

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// maxOpenFences bounds the fences that a process that is alone leaves open. What more there are end at
// once, and once more later.
const maxOpenFences = 1000

// openFences are fences around changes that may be made yet, in a process that is alone: one for the
// same scopes, however many such changes there are. It is safe for concurrent use.
type openFences struct {
	mu     sync.Mutex
	fences map[string]*openFence
}

type openFence struct {
	fence *cache.Fence
	until time.Time
}

// leaveOpen leaves a fence around a change that may be made yet. In a fleet it lapses.
func (f *fencer) leaveOpen(fence *cache.Fence) {
	if f.Shared != nil {
		fence.LeavePending()
		return
	}
	until, scopes := f.Now().Add(f.madeWithin()), fence.Scopes()
	slices.Sort(scopes)
	name := fmt.Sprintf("%q", scopes)
	switch f.open.leave(name, fence, until) {
	case leftOpen:
		if !f.start(func() { f.closeFence(name) }) {
			fence.LeavePending()
		}
	case prolonged:
		_, _ = fence.Done() // of a process that is alone: it cannot fail
	case noRoom:
		_, _ = fence.Done()
		f.deferred.add(scopes[0].Identity(), scopes, until)
		f.lookAfterDeferred()
	}
}

// howLeft is what became of a fence that was to be left open.
type howLeft int

const (
	leftOpen  howLeft = iota
	prolonged         // another one over the same scopes is open, and will be for longer
	noRoom
)

func (o *openFences) leave(name string, fence *cache.Fence, until time.Time) howLeft {
	o.mu.Lock()
	defer o.mu.Unlock()
	if before := o.fences[name]; before != nil {
		before.until = until
		return prolonged
	}
	if len(o.fences) >= maxOpenFences {
		return noRoom
	}
	if o.fences == nil {
		o.fences = map[string]*openFence{}
	}
	o.fences[name] = &openFence{fence, until}
	return leftOpen
}

// closeFence ends a fence that was left open, in its time, or when Close is called.
func (f *fencer) closeFence(name string) {
	for goesOn := true; ; {
		fence, wait := f.open.take(name, f.Now(), !goesOn)
		if fence != nil {
			_, _ = fence.Done()
			return
		}
		goesOn = f.pause(wait)
	}
}

// take removes a fence whose time has come, or in any case, or tells how long that will take.
func (o *openFences) take(name string, now time.Time, anyway bool) (*cache.Fence, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	open := o.fences[name]
	if wait := open.until.Sub(now); wait > 0 && !anyway {
		return nil, wait
	}
	delete(o.fences, name)
	return open.fence, 0
}
