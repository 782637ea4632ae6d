package flows

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// briefFenceLife is how long a fence lasts at most around a call of somebody who has not shown a
// right to the identity that he names: longer than most changes take, and less than whoever waits
// for it waits (suspendedWait).
const briefFenceLife = 400 * time.Millisecond

// briefFence is a fence that is cancelled after briefFenceLife. Its methods are for one goroutine.
type briefFence struct {
	*cache.Fence
	timer     *time.Timer
	cancelled chan struct{}
}

func newBriefFence(fence *cache.Fence) *briefFence {
	b := &briefFence{Fence: fence, cancelled: make(chan struct{})}
	b.timer = time.AfterFunc(briefFenceLife, func() {
		defer close(b.cancelled)
		fence.Cancel()
	})
	return b
}

// cancel cancels the fence, if there is one and it was not cancelled yet.
func (b *briefFence) cancel() {
	if b != nil {
		b.Cancel()
	}
}

// holds reports whether there is a fence that has not been cancelled, and will not be any more. Ask
// once.
func (b *briefFence) holds() bool {
	if b == nil {
		return false
	}
	if b.timer.Stop() {
		return true
	}
	<-b.cancelled
	return false
}

const (
	// briefFenceEvery is how often such a fence may begin around calls that name one identity.
	briefFenceEvery = 5 * time.Second
	// maxBriefFences bounds the identities of which that is kept.
	maxBriefFences = 10_000
)

// briefFences knows when the last brief fence began, by identity, lest one after another keep its
// user waiting. It is safe for concurrent use.
type briefFences struct {
	every time.Duration // briefFenceEvery
	mu    sync.Mutex
	last  map[string]time.Time
}

// begin reports whether one may begin now; it has then.
func (b *briefFences) begin(identity string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	recent := func(at time.Time) bool { return now.Sub(at) < b.every }
	if at, known := b.last[identity]; known && recent(at) {
		return false
	}
	if len(b.last) >= maxBriefFences {
		maps.DeleteFunc(b.last, func(_ string, at time.Time) bool { return !recent(at) })
	}
	if len(b.last) >= maxBriefFences {
		return false
	}
	b.last[strings.Clone(identity)] = now
	return true
}

// failed says that the last fence for an identity could not begin: the next may at once. Without the
// fleet no change is made, rather than one without a fence.
func (b *briefFences) failed(identity string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.last, identity)
}
