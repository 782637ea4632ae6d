package pipeline

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Request is one call of a Reader, divided by the servers that keep its keys. It is for one
// goroutine.
type Request struct {
	ctx  context.Context // of the call, which holds the request
	keys []string
	// Values are those of the keys after Wait, nil for missing ones, and valid until Release.
	Values [][]byte
	parts  []part
	left   atomic.Int32  // parts not answered
	done   chan struct{} // has one when all are
}

// part is what a request reads from one server.
type part struct {
	*Request
	pipeline *pipeline
	places   []int            // in the request's keys
	replyAt  []int            // where the values stand in the reply
	reply    *redisconn.Reply // nil: none yet
	err      error
}

// requests holds those that were released, for use again.
var requests = sync.Pool{New: func() any { return &Request{done: make(chan struct{}, 1)} }}

// NewRequest divides a call. Wait must follow, and Release where that succeeds.
func (r *Reader) NewRequest(ctx context.Context, keys []string) (*Request, error) {
	a := requests.Get().(*Request)
	a.ctx, a.keys, a.parts = ctx, keys, a.parts[:0]
	for i, key := range keys {
		l, err := r.pipelineOf(ctx, key)
		if err != nil {
			return nil, err
		}
		p := a.partFor(l)
		p.places = append(p.places, i)
	}
	return a, nil
}

// partFor is the request's part for a pipeline.
func (a *Request) partFor(l *pipeline) *part {
	for i := range a.parts {
		if a.parts[i].pipeline == l {
			return &a.parts[i]
		}
	}
	n := len(a.parts)
	if n < cap(a.parts) { // has room for places from an earlier use
		a.parts = a.parts[:n+1]
		a.parts[n] = part{Request: a, pipeline: l, places: a.parts[n].places[:0], replyAt: a.parts[n].replyAt[:0]}
	} else {
		a.parts = append(a.parts, part{Request: a, pipeline: l})
	}
	return &a.parts[n]
}

// Wait has the keys read into Values. Where they are on one server with a place in flight, the
// caller reads them himself; otherwise he waits for batches that others share. It fails as
// the server does, or with ctx; the request must not be used again then.
func (a *Request) Wait() error {
	if l := a.parts[0].pipeline; len(a.parts) == 1 && l.tryAcquire() {
		// Let others that were woken together with this one queue their reads, to share the
		// batch. Where there are none, this costs nothing.
		runtime.Gosched()
		if l.queueEmpty() {
			r := redisconn.NewReply(1)
			err := l.fetch(a.ctx, l.node, a.keys, r)
			l.release()
			if err != nil {
				r.Done()
				return err
			}
			a.parts[0].reply = r
			a.Values = append(a.Values[:0], r.Values[:len(a.keys)]...)
			return nil
		}
		a.reset()
		l.runWith(&a.parts[0], a.outlasts(l.deadline))
		return a.awaitParts()
	}
	a.reset()
	for i := range a.parts {
		if err := a.parts[i].pipeline.enqueue(&a.parts[i]); err != nil {
			return err // parts that are queued already will be completed
		}
	}
	return a.awaitParts()
}

// outlasts reports whether the caller waits for at least so long.
func (a *Request) outlasts(d time.Duration) bool {
	end, ends := a.ctx.Deadline()
	return a.ctx.Done() == nil || ends && time.Until(end) > d
}

// reset makes room for the values.
func (a *Request) reset() {
	a.Values = slices.Grow(a.Values[:0], len(a.keys))[:len(a.keys)]
	a.left.Store(int32(len(a.parts)))
}

// awaitParts waits until all parts are completed.
func (a *Request) awaitParts() error {
	select {
	case <-a.ctx.Done():
		return a.ctx.Err() // the parts will be completed
	case <-a.done:
	}
	return a.err()
}

// complete gives a part its values, from a reply that it is one of the readers of, or an error.
func (p *part) complete(r *redisconn.Reply, err error) {
	p.reply, p.err = r, err
	if err == nil {
		for i, place := range p.places {
			p.Values[place] = r.Values[p.replyAt[i]]
		}
	}
	if p.left.Add(-1) == 0 {
		p.done <- struct{}{}
	}
}

// err is why one of the parts failed.
func (a *Request) err() error {
	for i := range a.parts {
		if err := a.parts[i].err; err != nil {
			return err
		}
	}
	return nil
}

// Release gives the request back, and with it its values.
func (a *Request) Release() {
	clear(a.Values)
	a.ctx, a.keys, a.Values = nil, nil, a.Values[:0]
	for i := range a.parts {
		p := &a.parts[i]
		p.reply.Done()
		p.pipeline, p.reply, p.err = nil, nil, nil
	}
	requests.Put(a)
}
