package flows

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// BeginBriefFencesAnyTime has them begin as often as there are calls.
func (s *Service) BeginBriefFencesAnyTime() { s.fences.briefFences.every = 0 }

// TakeOverDeferredEnds has a broker end what others would end within the next half minute.
func (s *Service) TakeOverDeferredEnds(ctx context.Context) {
	s.fences.takeOverDeferredOnce(ctx, -30*time.Second)
}

// OpenFences is how many fences are left open around changes that may be made yet.
func (s *Service) OpenFences() int {
	s.fences.open.mu.Lock()
	defer s.fences.open.mu.Unlock()
	return len(s.fences.open.fences)
}

// FillDeferredEnds leaves no room for scopes that end later.
func (s *Service) FillDeferredEnds() {
	d := &s.fences.deferred
	d.running, d.ends = true, map[cache.Scope]deferredEnd{}
	for n := range maxDeferredEnds {
		d.ends[cache.Scope(strconv.Itoa(n))] = deferredEnd{due: s.Now().Add(time.Hour)}
	}
}

// ReportUses tells the fleet at once what there is to tell; with sweep, also what only
// the next sweep would find.
func (s *Service) ReportUses(ctx context.Context, sweep bool) {
	if sweep {
		s.fleet.usage.sweep(s.Now())
	}
	for s.fleet.reportOnce(ctx) {
	}
}

// RenewClaims makes up to n renewals that have come up, and returns how many it claimed.
func (s *Service) RenewClaims(ctx context.Context, n int) int {
	claimed := s.fleet.claimNow(ctx, n)
	var running sync.WaitGroup
	for _, c := range claimed {
		running.Go(func() { s.renewer.decide(c) })
	}
	running.Wait()
	return len(claimed)
}

// AwaitBackground waits for what goes on behind clients.
func (s *Service) AwaitBackground() { s.background.running.Wait() }

// Shares is how many addresses have a place, or wait for one.
func (s *Service) Shares() int {
	s.calls.slots.mu.Lock()
	defer s.calls.slots.mu.Unlock()
	return len(s.calls.slots.shares)
}

// AbandonClaims claims renewals and forgets them, as a broker that dies does.
func (s *Service) AbandonClaims(ctx context.Context, n int) int { return len(s.fleet.claimNow(ctx, n)) }
