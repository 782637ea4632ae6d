package fleet

import (
	"context"
	"errors"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxTrips is how many round trips to a server are under way at once: more make
	// small batches.
	maxTrips = 2
	// plenty is how many reads make a second one worth its cost: if all waited for the
	// first, this process would have nothing to do meanwhile.
	plenty = 8
	// late is after how long a second one begins for fewer: the network is far, or a
	// packet was lost.
	late = time.Millisecond
	// maxBatch is how many reads one of them carries.
	maxBatch = 128
	// maxQueue is how many reads wait for the next. A server that is so far behind
	// is not waited for.
	maxQueue = 4096
	// resting is how long a runner waits for work before it ends.
	resting = 100 * time.Millisecond
)

// errBusy says that too many reads wait for the server.
var errBusy = errors.New("too many reads wait for the server")

// lane is the way to one server: trips under way, and reads that wait for one. It
// keeps no goroutine for long while there are none.
type lane struct {
	node     *redis.Client
	fetch    fetch
	patience time.Duration // what a trip may take by the client's time-outs
	late     time.Duration
	work     chan struct{} // for a runner that rests

	mu    sync.Mutex
	queue []*part
	trips int       // under way
	begun time.Time // the last of them
}

func newLane(node *redis.Client, f fetch, patience time.Duration) *lane {
	return &lane{node: node, fetch: f, patience: patience, late: late, work: make(chan struct{})}
}

// begin takes a trip, if one is free; next must follow it.
func (l *lane) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.free()
}

// free takes a trip under the lock.
func (l *lane) free() bool {
	if l.trips == maxTrips || l.trips > 0 && !l.press() {
		return false
	}
	l.trips, l.begun = l.trips+1, time.Now()
	return true
}

// press reports under the lock whether those who wait want another trip than the one
// that is under way.
func (l *lane) press() bool { return len(l.queue) >= plenty || time.Since(l.begun) >= l.late }

// put has a part read by a trip that begins after this.
func (l *lane) put(p *part) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == maxQueue {
		return errBusy
	}
	l.queue = append(l.queue, p)
	if l.free() {
		l.start()
	}
	return nil
}

// alone reports whether nobody waits for a trip.
func (l *lane) alone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == 0
}

// lead has a part read by the trip that its asker began, with those who wait. An
// asker who stays makes the trip himself.
func (l *lane) lead(p *part, stays bool) {
	l.mu.Lock()
	l.queue = append(l.queue, nil)
	copy(l.queue[1:], l.queue)
	l.queue[0] = p
	l.mu.Unlock()
	if !stays {
		l.start()
		return
	}
	b := batches.Get().(*batch)
	defer batches.Put(b)
	if l.take(b) {
		b.trip(l)
		l.next()
	}
}

// next ends a trip, and lets another follow for those who wait.
func (l *lane) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		l.start()
	} else {
		l.trips--
	}
}

// more ends a runner's trip, unless another is to follow at once. Few who wait are left
// to a trip that is under way, and looked after when it is late.
func (l *lane) more() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 && (l.trips == 1 || l.press()) {
		return true
	}
	l.trips--
	return false
}

// start has a trip that was taken made by a runner.
func (l *lane) start() {
	select {
	case l.work <- struct{}{}:
	default:
		go l.run()
	}
}

// run makes one trip after another, while there are some to be made. Before each,
// whoever can run does: those that the last one answered, and those that are about to
// ask. Then it rests: another runner would have to grow its stack first.
func (l *lane) run() {
	b := batches.Get().(*batch)
	defer batches.Put(b)
	timer := time.NewTimer(late)
	defer timer.Stop()
	for {
		runtime.Gosched()
		for l.take(b) {
			b.trip(l)
			if runtime.Gosched(); !l.more() {
				break
			}
		}
		if !l.rest(timer) {
			return
		}
	}
}

// rest waits for a trip to make, and reports whether there is one: one that somebody
// took, or that those need who were left to one that is late.
func (l *lane) rest(timer *time.Timer) bool {
	for _, pause := range [...]time.Duration{late, resting} {
		timer.Reset(pause)
		select {
		case <-l.work:
			return true
		case <-timer.C:
			if l.resume() {
				return true
			}
		}
	}
	return false
}

// resume takes a trip for those who wait.
func (l *lane) resume() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0 && l.free()
}

// take moves those who have waited longest into a batch. Where there are none, the
// trip ends.
func (l *lane) take(b *batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), maxBatch)
	if n == 0 {
		l.trips--
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
func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trips == 0
}

// batch is what one round trip asks for: each key once, or nearly.
type batch struct {
	parts []*part
	keys  []string
	// met are the places of keys, one more than they are, by the keys' hashes. One
	// that finds no room there may be asked for twice.
	met [1024]uint16
}

// batches holds emptied ones, for use again.
var batches = sync.Pool{New: func() any { return new(batch) }}

// trip asks the server, hands out what it answers, and empties the batch. The
// client's time-outs bound it; those who ask leave when they want.
func (b *batch) trip(l *lane) {
	defer b.empty()
	waiting := b.parts[:0]
	for _, p := range b.parts {
		if p.ctx.Err() == nil { // nobody waits for others, and nobody uses their ask again
			waiting = append(waiting, p)
			b.want(p)
		}
	}
	if len(waiting) == 0 {
		return
	}
	r := newReply(len(waiting) + 1)
	defer r.done()
	err := l.fetch(context.Background(), l.node, b.keys, r)
	for _, p := range waiting {
		p.answered(r, err)
	}
}

// want adds the keys of a part.
func (b *batch) want(p *part) {
	for _, i := range p.places {
		p.at = append(p.at, b.place(p.keys[i]))
	}
}

// place is where a key stands.
func (b *batch) place(key string) int {
	hash := maphash.String(seed, key)
	for i := range uint64(4) {
		met := &b.met[(hash+i)%uint64(len(b.met))]
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
	b.met = [len(b.met)]uint16{}
	b.parts, b.keys = b.parts[:0], b.keys[:0]
}
