package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

const (
	// suspendedWait is how long a client waits at most for fences that suspend what there
	// is for him: longer than most changes take, and than it takes to refuse one.
	suspendedWait = 500 * time.Millisecond
	// suspendedSince is how long ago such a fence began at most: where a broker does not
	// answer, it takes two seconds to begin.
	suspendedSince = 3 * time.Second
	// suspendedPause is how soon he looks again, and then each time twice as late.
	suspendedPause = 2 * time.Millisecond
)

// suspended reports whether there is an entry for the call that a fence suspends since a
// moment ago. One that lasts longer is around a change of which nobody knows the outcome.
func (s *server) suspended(q *query) bool {
	return q.fenced || s.Memory.Suspended(q.key, suspendedSince)
}

// awaitSuspended waits for the fences that suspend what there is for a call, and returns the entry
// if they were cancelled: an exchange meanwhile would bring what cannot be kept, and
// whoever tries to change somebody's identity without success must not cost that one anything. nil:
// there is none, or not in time.
func (s *server) awaitSuspended(ctx context.Context, q *query) *cache.Entry {
	waited, next := time.Duration(0), suspendedPause
	for s.suspended(q) && waited < suspendedWait {
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		waited, next = waited+next, 2*next
		if e := s.presentEntry(ctx, q); e != nil {
			return e
		}
	}
	return nil
}

// presentEntry is the entry that there is for a call under the present epochs, or nil.
func (s *server) presentEntry(ctx context.Context, q *query) *cache.Entry {
	q.readEpochs(s.Epochs)
	if e, ok := s.Memory.Get(q.key); ok {
		return e
	}
	if e, err := s.readFleet(ctx, q); err == nil {
		return e
	}
	return nil
}

// exchangeOrAwait makes an exchange for a call of which awaitSuspended found nothing. Where that
// fails for a passing reason, and a fence suspended what there was, he waits for it once
// more: a backend that is slow or throttles keeps the fences of others open longer. known
// says that the entry was there.
func (s *server) exchangeOrAwait(ctx context.Context, q query) (entry *cache.Entry, known bool, err error) {
	suspended := s.suspended(&q)
	entry, err = s.exchange(ctx, q)
	if err == nil || !suspended || !cognito.Passing(err) {
		return entry, false, err
	}
	if entry = s.presentEntry(ctx, &q); entry == nil {
		entry = s.awaitSuspended(ctx, &q)
	}
	if entry == nil {
		return nil, false, err
	}
	return entry, true, nil
}
