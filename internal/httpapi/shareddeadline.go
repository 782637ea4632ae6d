package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// sharedDeadline hands out contexts that end between life and one and a half times life
// from now. Requests that come at about the same time share one context: on the replay
// path a context of its own, or even reading the clock, would cost more than much of
// the work done under it. It is safe for concurrent use.
type sharedDeadline struct {
	life   time.Duration
	shared atomic.Pointer[limited] // replaced when only life is left of it
}

type limited struct {
	context.Context
	end context.CancelFunc
}

func newSharedDeadline(life time.Duration) *sharedDeadline { return &sharedDeadline{life: life} }

func (d *sharedDeadline) context() context.Context {
	if l := d.shared.Load(); l != nil {
		return l.Context
	}
	l := new(limited)
	l.Context, l.end = context.WithTimeout(context.Background(), 3*d.life/2) // ends by its time-out alone
	d.shared.Store(l)
	time.AfterFunc(d.life/2, func() { d.shared.CompareAndSwap(l, nil) })
	return l.Context
}
