package flows

import (
	"context"
	"errors"
	"sync"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// slotShares is how many client addresses it takes to have all places for calls to the backend.
const slotShares = 4

// slots are the places for calls to the backend. A client address has a share of them, so
// that nobody takes all; what comes without an address has no share to keep to. It is safe
// for concurrent use.
type slots struct {
	all    chan struct{}
	mu     sync.Mutex
	shares map[string]*share // of addresses with calls that have a place or wait for one
}

// share are the places of an address.
type share struct {
	slots chan struct{}
	calls int
}

func newSlots(n int) *slots {
	return &slots{all: make(chan struct{}, n), shares: map[string]*share{}}
}

// slot takes one of the places for calls to the backend, and first one of those of the
// client's address; or says that there is none before the client's deadline. Callers speak
// for many, and renewals for nobody who waits: they have no address here.
func (b *backendCalls) slot(ctx context.Context) (release func(), err error) {
	if _, ok := callers.From(ctx); ok {
		return takeSlot(ctx, b.slots.all)
	}
	return b.slots.take(ctx, callInfoOf(ctx).Address)
}

func (p *slots) take(ctx context.Context, address string) (release func(), err error) {
	if address == "" {
		return takeSlot(ctx, p.all)
	}
	own := p.join(address)
	giveUp, err := takeSlot(ctx, own.slots)
	if err != nil {
		p.leave(address, own)
		return nil, err
	}
	free, err := takeSlot(ctx, p.all)
	if err != nil {
		giveUp()
		p.leave(address, own)
		return nil, err
	}
	return func() { free(); giveUp(); p.leave(address, own) }, nil
}

func (p *slots) join(address string) *share {
	p.mu.Lock()
	defer p.mu.Unlock()
	own, ok := p.shares[address]
	if !ok {
		own = &share{slots: make(chan struct{}, max(1, cap(p.all)/slotShares))}
		p.shares[address] = own
	}
	own.calls++
	return own
}

func (p *slots) leave(address string, own *share) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own.calls--; own.calls == 0 {
		delete(p.shares, address)
	}
}

// takeSlot takes one of the places, or says that there is none before ctx's deadline.
func takeSlot(ctx context.Context, places chan struct{}) (release func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), ctx.Err())
		}
		return nil, ctx.Err()
	}
}
