package flows

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// The longest pauses between two readings of a pool in doubt that nobody asks for.
const (
	firstPause = 500 * time.Millisecond
	longPause  = 8 * time.Second
)

// settleBehind attends in the background to a change of unknown outcome. What is noted
// of it stays where this broker is being stopped: another one attends to it then.
func (s *Service) settleBehind(d doubt) {
	s.behind(func() { s.settle(d, false) })
}

// settle reads the pool until the change cannot be made any more and the pool was read
// since. Adopted is a change whose broker died: it may have been settled meanwhile.
func (s *Service) settle(d doubt, adopted bool) {
	until := s.Now().Add(s.madeWithin())
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		late := !s.Now().Before(until) // before the reading begins
		r, err := s.readBack(context.Background(), d)
		if err == nil {
			d = r.doubt
		}
		switch {
		case errors.Is(err, errClosing):
			return
		case errors.Is(err, errDenied):
			if s.suspend(d) == nil && s.forget(d) {
				return
			}
		case err != nil: // until the pool can be read
		case r.finding == forgotten && (adopted || late):
			return
		case r.finding == forgotten: // the fleet lost it
			s.note(d)
		case (r.finding == suspended || late) && s.forget(d):
			return
		}
		if left := until.Sub(s.Now()); left > 0 {
			pause = min(pause, left)
		}
		if !s.pauseFor(pause) {
			return
		}
	}
}

// note notes a change anew.
func (s *Service) note(d doubt) {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	_ = s.doubts().PutPoolChange(ctx, d.spell()) // else it is tried again
}

// forget forgets a change whose outcome is known, and reports whether it could.
func (s *Service) forget(d doubt) bool {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	return s.doubts().DropPoolChange(ctx, d.spell()) == nil
}

// forgetBehind forgets a change that was not made, as soon as the fleet can be reached.
func (s *Service) forgetBehind(d doubt) {
	s.behind(func() {
		for pause := firstPause; !s.forget(d) && s.pauseFor(pause); pause = min(2*pause, longPause) {
		}
	})
}

// attendToDoubts looks for changes whose broker died, until ctx ends, and attends to them.
func (s *Service) attendToDoubts(ctx context.Context) {
	ticker := time.NewTicker(adoptEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stop:
			return
		case <-ticker.C:
		}
		s.adoptOnce(ctx)
	}
}

func (s *Service) adoptOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	adopted, err := s.doubts().TakeOverPoolChanges(ctx)
	if err != nil {
		return
	}
	for _, one := range adopted {
		if d, ok := readDoubt(one); ok {
			s.behind(func() { s.settle(d, true) })
		}
	}
}

// unreadable tells that a pool may not be read, where that is why.
func (s *Service) unreadable(a aspect, err error) {
	code := cognito.Public(err).ErrorCode()
	if s.Unreadable == nil || code != cognito.CodeAccessDenied && code != "NotAuthorizedException" {
		return
	}
	if _, told := s.unread.LoadOrStore(a.Pool+" "+a.Kind, true); !told {
		s.Unreadable(a.Pool, err)
	}
}
