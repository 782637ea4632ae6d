package fleet

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ask is one call of the reader, divided by the servers that keep its keys.
type ask struct {
	ctx    context.Context // of the call, which holds the ask
	keys   []string
	values [][]byte // parts of the replies
	parts  []part
	left   atomic.Int32  // parts not answered
	done   chan struct{} // has one when all are
}

// part is what an ask wants of one server.
type part struct {
	*ask
	lane   *lane
	places []int  // in the ask's keys
	at     []int  // where the values stand in the reply
	reply  *reply // nil: none yet
	err    error
}

// asks holds those that are over, for use again.
var asks = sync.Pool{New: func() any { return &ask{done: make(chan struct{}, 1)} }}

// ask divides a call. Who was answered must release it.
func (r *reader) ask(ctx context.Context, keys []string) (*ask, error) {
	a := asks.Get().(*ask)
	a.ctx, a.keys, a.parts = ctx, keys, a.parts[:0]
	for i, key := range keys {
		l, err := r.lane(ctx, key)
		if err != nil {
			return nil, err
		}
		p := a.of(l)
		p.places = append(p.places, i)
	}
	return a, nil
}

// of is the ask's part for a lane.
func (a *ask) of(l *lane) *part {
	for i := range a.parts {
		if a.parts[i].lane == l {
			return &a.parts[i]
		}
	}
	n := len(a.parts)
	if n < cap(a.parts) { // has room for places from an earlier use
		a.parts = a.parts[:n+1]
		a.parts[n] = part{ask: a, lane: l, places: a.parts[n].places[:0], at: a.parts[n].at[:0]}
	} else {
		a.parts = append(a.parts, part{ask: a, lane: l})
	}
	return &a.parts[n]
}

// wait has the keys read into values. A server that is free is asked here and now;
// where there are several, or one that is not, the ask waits for trips that others
// may share. Who fails must not use the ask again.
func (a *ask) wait() error {
	if l := a.parts[0].lane; len(a.parts) == 1 && l.begin() {
		// Others that were woken together with this one, and are about to ask, come along:
		// where there are none, this costs nothing.
		runtime.Gosched()
		if l.alone() {
			r := newReply(1)
			err := l.fetch(a.ctx, l.node, a.keys, r)
			l.next()
			if err != nil {
				r.done()
				return err
			}
			a.parts[0].reply = r
			a.values = append(a.values[:0], r.values[:len(a.keys)]...)
			return nil
		}
		a.expect()
		l.lead(&a.parts[0], a.outlasts(l.patience))
		return a.answers()
	}
	a.expect()
	for i := range a.parts {
		if err := a.parts[i].lane.put(&a.parts[i]); err != nil {
			return err // parts that wait already are still to be answered
		}
	}
	return a.answers()
}

// outlasts reports whether the asker stays for so long.
func (a *ask) outlasts(d time.Duration) bool {
	end, ends := a.ctx.Deadline()
	return a.ctx.Done() == nil || ends && time.Until(end) > d
}

// expect prepares for answers of the parts.
func (a *ask) expect() {
	a.values = slices.Grow(a.values[:0], len(a.keys))[:len(a.keys)]
	a.left.Store(int32(len(a.parts)))
}

// answers waits for those of the parts.
func (a *ask) answers() error {
	select {
	case <-a.ctx.Done():
		return a.ctx.Err() // the parts are still to be answered
	case <-a.done:
	}
	return a.failure()
}

// answered ends a part, with a reply that it is a reader of, or an error.
func (p *part) answered(r *reply, err error) {
	p.reply, p.err = r, err
	if err == nil {
		for i, place := range p.places {
			p.values[place] = r.values[p.at[i]]
		}
	}
	if p.left.Add(-1) == 0 {
		p.done <- struct{}{}
	}
}

// failure is why a part failed.
func (a *ask) failure() error {
	for i := range a.parts {
		if err := a.parts[i].err; err != nil {
			return err
		}
	}
	return nil
}

// release gives back an ask that was answered, and with it its values.
func (a *ask) release() {
	clear(a.values)
	a.ctx, a.keys, a.values = nil, nil, a.values[:0]
	for i := range a.parts {
		p := &a.parts[i]
		p.reply.done()
		p.lane, p.reply, p.err = nil, nil, nil
	}
	asks.Put(a)
}
