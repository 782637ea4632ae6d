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
func (s *Service) settleLater(pc poolChange) {
	s.start(func() { s.settle(pc, false) })
}

// settle reads the pool until the change cannot be made any more and the pool was read
// since. takenOver is a change whose broker died: it may have been settled meanwhile.
func (s *Service) settle(pc poolChange, adopted bool) {
	until := s.Now().Add(s.madeWithin())
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		late := !s.Now().Before(until) // before the reading begins
		r, err := s.awaitReading(context.Background(), pc)
		if err == nil {
			pc = r.change
		}
		switch {
		case errors.Is(err, errClosing):
			return
		case errors.Is(err, errPoolUnreadable):
			if s.suspend(pc) == nil && s.dropChange(pc) {
				return
			}
		case err != nil: // until the pool can be read
		case r.finding == changeForgotten && (adopted || late):
			return
		case r.finding == changeForgotten: // the fleet lost it
			s.putChange(pc)
		case (r.finding == poolSuspended || late) && s.dropChange(pc):
			return
		}
		if left := until.Sub(s.Now()); left > 0 {
			pause = min(pause, left)
		}
		if !s.pause(pause) {
			return
		}
	}
}

// putChange notes a change anew.
func (s *Service) putChange(pc poolChange) {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	_ = s.poolChanges().PutPoolChange(ctx, pc.encode()) // else it is tried again
}

// dropChange forgets a change whose outcome is known, and reports whether it could.
func (s *Service) dropChange(pc poolChange) bool {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	return s.poolChanges().DropPoolChange(ctx, pc.encode()) == nil
}

// dropChangeLater forgets a change that was not made, as soon as the fleet can be reached.
func (s *Service) dropChangeLater(pc poolChange) {
	s.start(func() {
		for pause := firstPause; !s.dropChange(pc) && s.pause(pause); pause = min(2*pause, longPause) {
		}
	})
}

// takeOverChanges looks for changes whose broker died, until ctx ends, and settles them.
func (s *Service) takeOverChanges(ctx context.Context) {
	ticker := time.NewTicker(takeOverInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stop:
			return
		case <-ticker.C:
		}
		s.takeOverOnce(ctx)
	}
}

func (s *Service) takeOverOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	adopted, err := s.poolChanges().TakeOverPoolChanges(ctx)
	if err != nil {
		return
	}
	for _, one := range adopted {
		if pc, ok := decodePoolChange(one); ok {
			s.start(func() { s.settle(pc, true) })
		}
	}
}

// unreadable tells Config.Unreadable that the backend denies reading a pool.
func (s *Service) unreadable(part poolPart, err error) {
	code := cognito.Public(err).ErrorCode()
	if s.Unreadable == nil || code != cognito.CodeAccessDenied && code != "NotAuthorizedException" {
		return
	}
	if _, told := s.toldUnreadable.LoadOrStore(part.Pool+" "+part.Kind, true); !told {
		s.Unreadable(part.Pool, err)
	}
}
