package flows

import (
	"context"

	"github.com/cognito-broker/broker/internal/cache"
)

// Again looks whether the fleet still has the very entry that an answer was made
// from, for an asker who sends again what earned it: his proofs are part of the
// guard, and hold. It returns what stands there, whose owner releases it, or nil:
// then the full way decides. It notes a hand-out.
func (s *Service) Again(ctx context.Context, g *cache.Guard) *cache.Glimpse {
	e := g.Entry
	seen, err := g.Spot.Look(ctx)
	if err != nil || seen == nil {
		return nil
	}
	// A fence that this process knows of may not have reached the fleet yet. The time is
	// read after the look: neither a proof nor the floor may have passed meanwhile.
	if now := s.Now(); e.Stamp.Stands() && seen.Of(e) && g.Holds(now) {
		e.HandedOut(now, g.Floor)
		return seen
	}
	seen.Release()
	return nil
}
