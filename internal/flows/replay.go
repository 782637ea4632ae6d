package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// Replay looks whether the fleet still has the very entry that an answer was made
// from, for a client who sends again what earned it: his proofs are part of the
// condition, and hold. It returns what stands there, whose owner releases it, and when it
// was served, which it notes; or nil: then the full way decides.
func (s *Service) Replay(ctx context.Context, c *cache.MemoCondition) (view *cache.EntryView, at time.Time) {
	e := c.Entry
	view, err := c.Ref.Read(ctx)
	if err != nil || view == nil {
		return nil, time.Time{}
	}
	// A fence that this process knows of may not have reached the fleet yet. The time is
	// read after the look: neither a proof nor the floor may have passed meanwhile.
	if now := s.Now(); e.Stamp.Stands() && view.IsOf(e) && c.Holds(now) {
		e.RecordServe(now, c.Floor)
		return view, now
	}
	view.Release()
	return nil, time.Time{}
}
