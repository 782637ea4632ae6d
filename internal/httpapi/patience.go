package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// patience hands out contexts that end after a while, at least life and at most half
// as long again. Those who ask at about the same time share one: a context each would
// cost more than much of what is done under it. It is safe for concurrent use.
type patience struct {
	life   time.Duration
	shared atomic.Pointer[limited]
}

type limited struct {
	context.Context
	end   context.CancelFunc
	until time.Time // it may be handed out
}

func newPatience(life time.Duration) *patience { return &patience{life: life} }

func (p *patience) context() context.Context {
	l := p.shared.Load()
	if now := time.Now(); l == nil || now.After(l.until) {
		fresh := &limited{until: now.Add(p.life / 2)}
		fresh.Context, fresh.end = context.WithDeadline(context.Background(), fresh.until.Add(p.life))
		p.shared.Store(fresh) // the one before ends by itself
		return fresh
	}
	return l
}
