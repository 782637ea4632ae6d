package flows

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Service is the decorator: the operations, made of three parts that know each other by interfaces.
// Serving answers from the cache or by an exchange, fencing ends what a change outdates, and
// renewing keeps what is wanted fresh. It is safe for concurrent use.
type Service struct {
	Config
	*background
	*poolOperations
	owners   *loginOwners
	queries  *queryMaker
	calls    *backendCalls
	fences   fencing
	server   *server
	uncached *uncachedCalls
	renewer  *renewer
	fleet    *fleetSchedule // the renewer's; nil: this process is alone
}

var _ cognito.API = (*Service)(nil)

// New returns a Service. Run makes renewals; Close waits for what it began.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.MaxExchanges == 0 {
		c.MaxExchanges = 256
	}
	if c.MaxRenewals == 0 {
		c.MaxRenewals = 100_000
	}
	if c.Owed == nil {
		c.Owed = func(bool) {}
	}
	s := &Service{Config: c, background: newBackground()}
	s.owners = &loginOwners{&s.Config}
	s.queries = &queryMaker{Config: &s.Config, owners: s.owners}
	f := &fencer{
		Config: &s.Config, background: s.background, owners: s.owners,
		outbox: pendingFences{scopes: map[cache.Scope]int{}, settled: func() { c.Owed(false) }},
	}
	f.deferred = newDeferredEnds()
	f.briefFences.every, f.briefFences.last = briefFenceEvery, map[string]time.Time{}
	s.fences = fencing{f, &poolChanges{Config: &s.Config, background: s.background, fences: f}}
	s.calls = &backendCalls{Config: &s.Config, fences: s.fences, slots: newSlots(c.MaxExchanges)}
	s.poolOperations = &poolOperations{Config: &s.Config, calls: s.calls, fences: s.fences}
	s.server = &server{Config: &s.Config, fences: s.fences, owners: s.owners, queries: s.queries, calls: s.calls}
	s.uncached = &uncachedCalls{
		Config: &s.Config, fences: s.fences, owners: s.owners, queries: s.queries, calls: s.calls, server: s.server,
	}
	s.renewer = &renewer{Config: &s.Config, background: s.background, serving: s.server}
	if c.Schedule != nil {
		s.fleet = newFleetSchedule(&s.Config)
		s.renewer.schedule = s.fleet
	} else {
		s.renewer.schedule = newMemorySchedule(&s.Config)
	}
	s.server.renewals = s.renewer
	return s
}

// Run renews entries before they expire, until ctx ends or Close is called: those that were asked
// for lately, or served twice since their exchange. Idle ones are left to expire. In a fleet it also
// reports the use of entries, and settles changes and makes ends of brokers that died.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	if s.Shared != nil {
		running.Go(func() { s.fences.takeOverChanges(ctx) })
		running.Go(func() { s.fences.takeOverDeferred(ctx) })
	}
	if s.fleet != nil {
		s.fleet.connectivity.regained.Store(s.Now().UnixNano())
		running.Go(func() { s.fleet.run(ctx) })
	}
	s.renewer.run(ctx)
	return nil
}

// Fence ends, now, everything cached for the scopes, if there are any. Use it for a change that has
// already happened. Where the fleet cannot be reached, it fails with cognito.ErrUnavailable, and
// goes on trying in the background.
func (s *Service) Fence(ctx context.Context, scopes ...cache.Scope) error {
	return s.fences.Fence(ctx, scopes...)
}

// Close lets no renewal begin and waits for those under way, until ctx ends.
func (s *Service) Close(ctx context.Context) error { return s.background.close(ctx) }
