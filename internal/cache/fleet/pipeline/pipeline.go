package pipeline

import (
	"context"
	"errors"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/redis/go-redis/v9"
)

const (
	// maxInFlight is how many round trips to a server are under way at once: more make
	// small batches.
	maxInFlight = 2
	// enoughQueued is how many reads make a second one worth its cost: if all waited for the
	// first, this process would have nothing to do meanwhile.
	enoughQueued = 8
	// slowAfter is after how long a second one begins for fewer: the network is far, or a
	// packet was lost.
	slowAfter = time.Millisecond
	// maxBatch is how many reads one of them carries.
	maxBatch = 128
	// maxQueue is how many reads wait for the next. A server that is so far behind
	// is not waited for.
	maxQueue = 4096
	// workerIdle is how long a runner waits for work before it ends.
	workerIdle = 100 * time.Millisecond
)

// errBusy says that too many reads wait for the server.
var errBusy = errors.New("too many reads wait for the server")

// pipeline is the way to one server: round trips under way, and reads that wait for one. It
// keeps no goroutine for long while there are none.
type pipeline struct {
	node      *redis.Client
	fetch     fetch
	deadline  time.Duration // what a round trip may take by the client's time-outs
	slowAfter time.Duration
	wake      chan struct{} // for a runner that rests

	mu       sync.Mutex
	queue    []*part
	inFlight int       // under way
	begun    time.Time // the last of them
}

func newPipeline(node *redis.Client, f fetch, patience time.Duration) *pipeline {
	return &pipeline{node: node, fetch: f, deadline: patience, slowAfter: slowAfter, wake: make(chan struct{})}
}

// tryAcquire takes a round trip, if one is free; next must follow it.
func (l *pipeline) tryAcquire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acquire()
}

// acquire takes a round trip under the lock.
func (l *pipeline) acquire() bool {
	if l.inFlight == maxInFlight || l.inFlight > 0 && !l.wantAnother() {
		return false
	}
	l.inFlight, l.begun = l.inFlight+1, time.Now()
	return true
}

// wantAnother reports under the lock whether those who wait want another round trip than the one
// that is under way.
func (l *pipeline) wantAnother() bool {
	return len(l.queue) >= enoughQueued || time.Since(l.begun) >= l.slowAfter
}

// enqueue has a part read by a round trip that begins after this.
func (l *pipeline) enqueue(p *part) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == maxQueue {
		return errBusy
	}
	l.queue = append(l.queue, p)
	if l.acquire() {
		l.startWorker()
	}
	return nil
}

// queueEmpty reports whether nobody waits for a round trip.
func (l *pipeline) queueEmpty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == 0
}

// runWith has a part read by the round trip that its caller began, with those who wait. An
// caller who stays makes the round trip himself.
func (l *pipeline) runWith(p *part, stays bool) {
	l.mu.Lock()
	l.queue = append(l.queue, nil)
	copy(l.queue[1:], l.queue)
	l.queue[0] = p
	l.mu.Unlock()
	if !stays {
		l.startWorker()
		return
	}
	b := batchPool.Get().(*batch)
	defer batchPool.Put(b)
	if l.take(b) {
		b.execute(l)
		l.release()
	}
}

// release ends a round trip, and lets another follow for those who wait.
func (l *pipeline) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		l.startWorker()
	} else {
		l.inFlight--
	}
}

// keep ends a runner's round trip, unless another is to follow at once. Few who wait are left
// to a round trip that is under way, and looked after when it is late.
func (l *pipeline) keep() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 && (l.inFlight == 1 || l.wantAnother()) {
		return true
	}
	l.inFlight--
	return false
}

// startWorker has a round trip that was taken made by a runner.
func (l *pipeline) startWorker() {
	select {
	case l.wake <- struct{}{}:
	default:
		go l.work()
	}
}

// work makes one round trip after another, while there are some to be made. Before each,
// whoever can run does: those that the last one answered, and those that are about to
// ask. Then it rests: another runner would have to grow its stack first.
func (l *pipeline) work() {
	b := batchPool.Get().(*batch)
	defer batchPool.Put(b)
	timer := time.NewTimer(slowAfter)
	defer timer.Stop()
	for {
		runtime.Gosched()
		for l.take(b) {
			b.execute(l)
			if runtime.Gosched(); !l.keep() {
				break
			}
		}
		if !l.awaitWork(timer) {
			return
		}
	}
}

// awaitWork waits for a round trip to make, and reports whether there is one: one that somebody
// took, or that those need who were left to one that is late.
func (l *pipeline) awaitWork(timer *time.Timer) bool {
	for _, pause := range [...]time.Duration{slowAfter, workerIdle} {
		timer.Reset(pause)
		select {
		case <-l.wake:
			return true
		case <-timer.C:
			if l.acquireForQueue() {
				return true
			}
		}
	}
	return false
}

// acquireForQueue takes a round trip for those who wait.
func (l *pipeline) acquireForQueue() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0 && l.acquire()
}

// take moves those who have waited longest into a batch. Where there are none, the
// round trip ends.
func (l *pipeline) take(b *batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), maxBatch)
	if n == 0 {
		l.inFlight--
		return false
	}
	l.begun = time.Now()
	b.parts = append(b.parts, l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	return true
}

// idle reports whether nothing is under way.
func (l *pipeline) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight == 0
}

// batch is what one round trip asks for: each key once, or nearly.
type batch struct {
	parts []*part
	keys  []string
	// slots are the places of keys, one more than they are, by the keys' hashes. One
	// that finds no room there may be asked for twice.
	slots [1024]uint16
}

// batchPool holds emptied ones, for use again.
var batchPool = sync.Pool{New: func() any { return new(batch) }}

// execute asks the server, hands out what it answers, and empties the batch. The
// client's time-outs bound it; those who ask leave when they want.
func (b *batch) execute(l *pipeline) {
	defer b.empty()
	waiting := b.parts[:0]
	for _, p := range b.parts {
		if p.ctx.Err() == nil { // nobody waits for others, and nobody uses their ask again
			waiting = append(waiting, p)
			b.add(p)
		}
	}
	if len(waiting) == 0 {
		return
	}
	r := redisconn.NewReply(len(waiting) + 1)
	defer r.Done()
	err := l.fetch(context.Background(), l.node, b.keys, r)
	for _, p := range waiting {
		p.complete(r, err)
	}
}

// add adds the keys of a part.
func (b *batch) add(p *part) {
	for _, i := range p.places {
		p.replyAt = append(p.replyAt, b.keyIndex(p.keys[i]))
	}
}

// keyIndex is where a key stands.
func (b *batch) keyIndex(key string) int {
	hash := maphash.String(seed, key)
	for i := range uint64(4) {
		met := &b.slots[(hash+i)%uint64(len(b.slots))]
		if *met == 0 {
			*met = uint16(len(b.keys) + 1)
			break
		}
		if at := int(*met) - 1; b.keys[at] == key {
			return at
		}
	}
	b.keys = append(b.keys, key)
	return len(b.keys) - 1
}

var seed = maphash.MakeSeed()

func (b *batch) empty() {
	clear(b.parts[:cap(b.parts)])
	clear(b.keys)
	b.slots = [len(b.slots)]uint16{}
	b.parts, b.keys = b.parts[:0], b.keys[:0]
}
