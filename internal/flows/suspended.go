package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

const (
	// suspendedWithin is how long an asker waits at most for fences that suspend what there
	// is for him: longer than most changes take, and than it takes to refuse one.
	suspendedWithin = 500 * time.Millisecond
	// suspendedLately is how long ago such a fence began at most: where a broker does not
	// answer, it takes two seconds to begin.
	suspendedLately = 3 * time.Second
	// suspendedEvery is how soon he looks again, and then each time twice as late.
	suspendedEvery = 2 * time.Millisecond
)

// suspended reports whether there is an entry for the call that a fence suspends since a
// moment ago. One that lasts longer is around a change of which nobody knows the outcome.
func (s *Service) suspended(sub *subject) bool {
	return sub.fenced || s.Memory.Suspended(sub.key, suspendedLately)
}

// resumed waits for the fences that suspend what there is for a call, and returns the entry
// if they were cancelled: an exchange meanwhile would bring what cannot be kept, and
// whoever tries to change somebody's identity in vain must not cost that one anything. nil:
// there is none, or not in time.
func (s *Service) resumed(ctx context.Context, sub *subject) *cache.Entry {
	waited, next := time.Duration(0), suspendedEvery
	for s.suspended(sub) && waited < suspendedWithin {
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		waited, next = waited+next, 2*next
		if e := s.standing(ctx, sub); e != nil {
			return e
		}
	}
	return nil
}

// standing is the entry that there is for a call under the present epochs, or nil.
func (s *Service) standing(ctx context.Context, sub *subject) *cache.Entry {
	sub.readEpochs(s.Epochs)
	if e, ok := s.Memory.Get(sub.key); ok {
		return e
	}
	if e, err := s.shared(ctx, sub); err == nil {
		return e
	}
	return nil
}

// unsuspended makes an exchange for a call of which resumed brought nothing. Where that
// fails for a passing reason, and a fence suspended what there was, he waits for it once
// more: a backend that is slow or throttles keeps the fences of others open longer. known
// says that the entry was there.
func (s *Service) unsuspended(ctx context.Context, sub subject) (entry *cache.Entry, known bool, err error) {
	suspended := s.suspended(&sub)
	entry, err = s.exchange(ctx, sub)
	if err == nil || !suspended || !cognito.Passing(err) {
		return entry, false, err
	}
	if entry = s.standing(ctx, &sub); entry == nil {
		entry = s.resumed(ctx, &sub)
	}
	if entry == nil {
		return nil, false, err
	}
	return entry, true, nil
}
