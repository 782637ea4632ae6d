package flows

import (
	"context"
	"sync"
)

// TellUses tells the fleet at once what there is to tell; with sweep, also what only
// the next sweep would find.
func (s *Service) TellUses(ctx context.Context, sweep bool) {
	if sweep {
		s.uses.sweep(s.Now())
	}
	for s.tell(ctx) {
	}
}

// Attend makes up to n renewals that have come up, and returns how many it claimed.
func (s *Service) Attend(ctx context.Context, n int) int {
	claimed := s.claim(ctx, n)
	var running sync.WaitGroup
	for _, c := range claimed {
		running.Go(func() { s.renewClaimed(c) })
	}
	running.Wait()
	return len(claimed)
}

// Settled waits for what goes on behind askers.
func (s *Service) Settled() { s.background.Wait() }

// Shares is how many addresses have a place, or wait for one.
func (s *Service) Shares() int {
	s.slots.mu.Lock()
	defer s.slots.mu.Unlock()
	return len(s.slots.shares)
}

// Abandon claims renewals and forgets them, as a broker that dies does.
func (s *Service) Abandon(ctx context.Context, n int) int { return len(s.claim(ctx, n)) }
