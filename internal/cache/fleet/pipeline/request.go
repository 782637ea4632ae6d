package pipeline

import (
	"context"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// request is one call of the reader, divided by the servers that keep its keys.
type request struct {
	ctx    context.Context // of the call, which holds the request
	keys   []string
	Values [][]byte // parts of the replies
	parts  []part
	left   atomic.Int32  // parts not answered
	done   chan struct{} // has one when all are
}

// part is what a request wants of one server.
type part struct {
	*request
	pipeline *pipeline
	places   []int            // in the request's keys
	replyAt  []int            // where the values stand in the reply
	reply    *redisconn.Reply // nil: none yet
	err      error
}

// requests holds those that are over, for use again.
var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

// request divides a call. Who was answered must release it.
func (r *Reader) NewRequest(ctx context.Context, keys []string) (*request, error) {
	a := requests.Get().(*request)
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
func (a *request) partFor(l *pipeline) *part {
	for i := range a.parts {
		if a.parts[i].pipeline == l {
			return &a.parts[i]
		}
	}
	n := len(a.parts)
	if n < cap(a.parts) { // has room for places from an earlier use
		a.parts = a.parts[:n+1]
		a.parts[n] = part{request: a, pipeline: l, places: a.parts[n].places[:0], replyAt: a.parts[n].replyAt[:0]}
	} else {
		a.parts = append(a.parts, part{request: a, pipeline: l})
	}
	return &a.parts[n]
}

// Wait has the keys read into values. A server that is free is asked here and now;
// where there are several, or one that is not, the request waits for round trips that others
// may share. Who fails must not use the request again.
func (a *request) Wait() error {
	if l := a.parts[0].pipeline; len(a.parts) == 1 && l.tryAcquire() {
		// Others that were woken together with this one, and are about to ask, come along:
		// where there are none, this costs nothing.
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
			return err // parts that wait already are still to be answered
		}
	}
	return a.awaitParts()
}

// outlasts reports whether the caller stays for so long.
func (a *request) outlasts(d time.Duration) bool {
	end, ends := a.ctx.Deadline()
	return a.ctx.Done() == nil || ends && time.Until(end) > d
}

// reset prepares for answers of the parts.
func (a *request) reset() {
	a.Values = slices.Grow(a.Values[:0], len(a.keys))[:len(a.keys)]
	a.left.Store(int32(len(a.parts)))
}

// awaitParts waits for those of the parts.
func (a *request) awaitParts() error {
	select {
	case <-a.ctx.Done():
		return a.ctx.Err() // the parts are still to be answered
	case <-a.done:
	}
	return a.err()
}

// complete ends a part, with a reply that it is a reader of, or an error.
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

// err is why a part failed.
func (a *request) err() error {
	for i := range a.parts {
		if err := a.parts[i].err; err != nil {
			return err
		}
	}
	return nil
}

// Release gives back a request that was answered, and with it its values.
func (a *request) Release() {
	clear(a.Values)
	a.ctx, a.keys, a.Values = nil, nil, a.Values[:0]
	for i := range a.parts {
		p := &a.parts[i]
		p.reply.Done()
		p.pipeline, p.reply, p.err = nil, nil, nil
	}
	requests.Put(a)
}
