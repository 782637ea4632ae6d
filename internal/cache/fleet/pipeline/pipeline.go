package pipeline

import (
	"context"
	"errors"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

const (
	// maxInFlight is how many batches are sent to a server before the first is answered: more
	// of them would only be smaller.
	maxInFlight = 2
	// enoughQueued is how many queued reads are worth a second batch in flight: if all waited
	// for the first, this process would have nothing to do meanwhile.
	enoughQueued = 8
	// slowAfter is when a batch counts as slow, after which a second one is sent however few
	// reads are queued: the network is far, or a packet was lost.
	slowAfter = time.Millisecond
	// maxBatch is how many reads one batch carries.
	maxBatch = 128
	// maxQueue is how many reads may be queued. A server that is so far behind is not waited
	// for.
	maxQueue = 4096
	// workerIdle is how long a worker without a batch to send stays.
	workerIdle = 100 * time.Millisecond
)

// errBusy says that too many reads wait for the server.
var errBusy = errors.New("too many reads wait for the server")

// pipeline is the way to one server: batches in flight, and reads that are queued for the
// next. Its workers are goroutines that end soon where there is nothing to do. It is safe
// for concurrent use.
type pipeline struct {
	node      *redis.Client
	fetch     fetch
	deadline  time.Duration // that all reads of a batch share, by the client's time-outs
	slowAfter time.Duration
	wake      chan struct{} // for an idle worker

	mu       sync.Mutex
	queue    []*part
	inFlight int       // batches
	begun    time.Time // the last of them
}

func newPipeline(node *redis.Client, f fetch, deadline time.Duration) *pipeline {
	return &pipeline{node: node, fetch: f, deadline: deadline, slowAfter: slowAfter, wake: make(chan struct{})}
}

// tryAcquire acquires a place in flight for one batch, if there is one; release must follow.
func (p *pipeline) tryAcquire() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acquire()
}

// acquire is tryAcquire, under the lock.
func (p *pipeline) acquire() bool {
	if p.inFlight == maxInFlight || p.inFlight > 0 && !p.wantAnother() {
		return false
	}
	p.inFlight, p.begun = p.inFlight+1, time.Now()
	return true
}

// wantAnother reports, under the lock, whether the queue is worth a second batch in flight.
func (p *pipeline) wantAnother() bool {
	return len(p.queue) >= enoughQueued || time.Since(p.begun) >= p.slowAfter
}

// enqueue has a part read by a batch that is sent after this call. It fails with errBusy.
func (p *pipeline) enqueue(read *part) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == maxQueue {
		return errBusy
	}
	p.queue = append(p.queue, read)
	if p.acquire() {
		p.startWorker()
	}
	return nil
}

// queueEmpty reports whether no reads are queued.
func (p *pipeline) queueEmpty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) == 0
}

// runWith sends a batch, in the place that the caller acquired, with his part first and what is
// queued. A caller who stays until the shared deadline sends it himself; a worker does
// otherwise.
func (p *pipeline) runWith(read *part, stays bool) {
	p.mu.Lock()
	p.queue = append(p.queue, nil)
	copy(p.queue[1:], p.queue)
	p.queue[0] = read
	p.mu.Unlock()
	if !stays {
		p.startWorker()
		return
	}
	b := batchPool.Get().(*batch)
	defer batchPool.Put(b)
	if p.take(b) {
		b.execute(p)
		p.release()
	}
}

// release gives a place in flight back, or to a worker where reads are queued.
func (p *pipeline) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		p.startWorker()
	} else {
		p.inFlight--
	}
}

// keep reports whether a worker sends another batch at once, and releases its place otherwise.
// Where few reads are queued beside a batch in flight, they are left for the next.
func (p *pipeline) keep() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 && (p.inFlight == 1 || p.wantAnother()) {
		return true
	}
	p.inFlight--
	return false
}

// startWorker has an idle worker, or a new one, use a place that was acquired.
func (p *pipeline) startWorker() {
	select {
	case p.wake <- struct{}{}:
	default:
		go p.work()
	}
}

// work sends batch after batch while there are reads. Before each it lets other goroutines
// run: those that the last batch answered, and those that are about to read. Then it stays
// idle for a while: a new worker would have to grow its stack first.
func (p *pipeline) work() {
	b := batchPool.Get().(*batch)
	defer batchPool.Put(b)
	timer := time.NewTimer(slowAfter)
	defer timer.Stop()
	for {
		runtime.Gosched()
		for p.take(b) {
			b.execute(p)
			if runtime.Gosched(); !p.keep() {
				break
			}
		}
		if !p.awaitWork(timer) {
			return
		}
	}
}

// awaitWork waits for a batch to send, and reports whether there is one: of a place that
// somebody acquired, or of reads that were left to a batch which turned out to be slow.
func (p *pipeline) awaitWork(timer *time.Timer) bool {
	for _, pause := range [...]time.Duration{slowAfter, workerIdle} {
		timer.Reset(pause)
		select {
		case <-p.wake:
			return true
		case <-timer.C:
			if p.acquireForQueue() {
				return true
			}
		}
	}
	return false
}

// acquireForQueue acquires a place for the queued reads, if there are any.
func (p *pipeline) acquireForQueue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0 && p.acquire()
}

// take moves the reads that were queued first into a batch. Where there are none, it releases
// the place.
func (p *pipeline) take(b *batch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.queue), maxBatch)
	if n == 0 {
		p.inFlight--
		return false
	}
	p.begun = time.Now()
	b.parts = append(b.parts, p.queue[:n]...)
	rest := copy(p.queue, p.queue[n:])
	clear(p.queue[rest:])
	p.queue = p.queue[:rest]
	return true
}

// idle reports whether nothing is in flight.
func (p *pipeline) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inFlight == 0
}

// batch is what one round trip asks for: each key once, or nearly.
type batch struct {
	parts []*part
	keys  []string
	// slots is a small hash table: where a key stands in keys, plus one, by the key's hash. A
	// key that finds no free slot may be read twice.
	slots [1024]uint16
}

// batchPool holds emptied ones, for use again.
var batchPool = sync.Pool{New: func() any { return new(batch) }}

// execute sends the batch, gives each part its answer, and empties the batch. The client's
// time-outs bound it; whoever waits for a part may leave before.
func (b *batch) execute(way *pipeline) {
	defer b.empty()
	waiting := b.parts[:0]
	for _, p := range b.parts {
		if p.ctx.Err() == nil { // of others the waiter has left, and does not use his request again
			waiting = append(waiting, p)
			b.add(p)
		}
	}
	if len(waiting) == 0 {
		return
	}
	r := redisconn.NewReply(len(waiting) + 1)
	defer r.Done()
	err := way.fetch(context.Background(), way.node, b.keys, r)
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

// keyIndex is where a key stands in the batch. It adds the key, unless it is there.
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
