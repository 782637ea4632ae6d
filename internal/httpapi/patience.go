package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// patience hands out contexts that end after a while: at least life, as far as a timer
// is on time, and at most half as long again. Those who ask at about the same time
// share one: a context each, or even a look at the clock, would cost more than much of
// what is done under it. It is safe for concurrent use.
type patience struct {
	life   time.Duration
	shared atomic.Pointer[limited] // until it has only life left
}

type limited struct {
	context.Context
	end context.CancelFunc
}

func newPatience(life time.Duration) *patience { return &patience{life: life} }

func (p *patience) context() context.Context {
	if l := p.shared.Load(); l != nil {
		return l.Context
	}
	l := new(limited)
	l.Context, l.end = context.WithTimeout(context.Background(), 3*p.life/2) // ends by itself
	p.shared.Store(l)
	time.AfterFunc(p.life/2, func() { p.shared.CompareAndSwap(l, nil) })
	return l.Context
}
