package flows

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// The pauses between two readings of a pool with a change of unknown outcome that nobody asks for.
const (
	firstPause = 500 * time.Millisecond
	longPause  = 8 * time.Second
)

// settleLater settles a change of unknown outcome in the background. Its record stays where this
// broker is being stopped: another one takes it over then.
func (p *poolChanges) settleLater(pc poolChange) {
	p.start(func() { p.settle(pc, false) })
}

// settle reads the pool until the change cannot be made any more and the pool was read
// since. takenOver is a change whose broker died: it may have been settled meanwhile.
func (p *poolChanges) settle(pc poolChange, takenOver bool) {
	until := p.Now().Add(p.madeWithin())
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		late := !p.Now().Before(until) // before the reading begins
		r, err := p.awaitReading(context.Background(), pc)
		if err == nil {
			pc = r.change
		}
		switch {
		case errors.Is(err, errClosing):
			return
		case errors.Is(err, errPoolUnreadable):
			if p.suspend(pc) == nil && p.dropChange(pc) {
				return
			}
		case err != nil: // until the pool can be read
		case r.finding == changeForgotten && (takenOver || late):
			return
		case r.finding == changeForgotten: // the fleet lost it
			p.putChange(pc)
		case (r.finding == poolSuspended || late) && p.dropChange(pc):
			return
		}
		if left := until.Sub(p.Now()); left > 0 {
			pause = min(pause, left)
		}
		if !p.pause(pause) {
			return
		}
	}
}

// putChange notes a change anew.
func (p *poolChanges) putChange(pc poolChange) {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	_ = p.store().PutPoolChange(ctx, pc.encode()) // else it is tried again
}

// dropChange forgets a change whose outcome is known, and reports whether it could.
func (p *poolChanges) dropChange(pc poolChange) bool {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	return p.store().DropPoolChange(ctx, pc.encode()) == nil
}

// dropChangeLater forgets a change that was not made, as soon as the fleet can be reached.
func (p *poolChanges) dropChangeLater(pc poolChange) {
	p.start(func() {
		for pause := firstPause; !p.dropChange(pc) && p.pause(pause); pause = min(2*pause, longPause) {
		}
	})
}

// takeOverChanges looks for changes whose broker died, until ctx ends, and settles them.
func (p *poolChanges) takeOverChanges(ctx context.Context) {
	every(ctx, takeOverInterval, p.takeOverOnce)
}

func (p *poolChanges) takeOverOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	takenOver, err := p.store().TakeOverPoolChanges(ctx)
	if err != nil {
		return
	}
	for _, one := range takenOver {
		if pc, ok := decodePoolChange(one); ok {
			p.start(func() { p.settle(pc, true) })
		}
	}
}

// unreadable tells Config.Unreadable that the backend denies reading a pool.
func (p *poolChanges) unreadable(part poolPart, err error) {
	code := cognito.Public(err).ErrorCode()
	if p.Unreadable == nil || code != cognito.CodeAccessDenied && code != "NotAuthorizedException" {
		return
	}
	if _, told := p.toldUnreadable.LoadOrStore(part.Pool+" "+part.Kind, true); !told {
		p.Unreadable(part.Pool, err)
	}
}
