package fleet

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// The bounds of the reader.
const (
	MaxInFlight  = maxInFlight
	EnoughQueued = enoughQueued
	MaxBatch     = maxBatch
	MaxQueue     = maxQueue

	MaxFences = maxFences
)

// Reader is a reader with its own connections.
type Reader struct{ reader }

// NewReader returns a Reader of a server.
func NewReader(s Server, observe Observer) *Reader {
	c := dial(s, observe)
	return &Reader{reader{redis: c, pipelines: newReader(c).pipelines}}
}

// NewReaderBy returns a Reader whose round trips are made by fetch, and are late after a
// while. It has no connections.
func NewReaderBy(late time.Duration, fetch func(keys []string)) *Reader {
	l := newPipeline(nil, func(_ context.Context, _ *redis.Client, keys []string, r *reply) error {
		fetch(keys)
		r.values = append(r.values, make([][]byte, len(keys)+1)...)
		return nil
	}, 0)
	l.slowAfter = late
	r := &Reader{reader{pipelines: map[*redis.Client]*pipeline{nil: l}}}
	r.only.Store(l)
	return r
}

// Get reads keys in batches, Direct by themselves.
func (r *Reader) Get(ctx context.Context, keys ...string) ([]string, error) { return r.get(ctx, keys) }

// Direct reads keys as Get does, but for the batches.
func (r *Reader) Direct(ctx context.Context, keys ...string) ([]string, error) {
	return r.direct(ctx, keys)
}

// Slow reports whether the last round trip to each server is late.
func (r *Reader) Slow() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.pipelines {
		l.mu.Lock()
		ok := time.Since(l.begun) >= l.slowAfter
		l.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

// Waiting is how many reads wait for a round trip, and how many round trips are under way.
func (r *Reader) Waiting() (reads, trips int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.pipelines {
		l.mu.Lock()
		reads, trips = reads+len(l.queue), trips+l.inFlight
		l.mu.Unlock()
	}
	return reads, trips
}

// Close ends the connections.
func (r *Reader) Close() { r.redis.Close() }

// What a breaker says and is told.
var (
	ErrBreakerOpen = errBreakerOpen
	ErrFailed      = errFailed
	ErrNothing     = errNothing
)

// Bounds of a breaker.
const (
	MinFailures   = minFailures
	TripWindow    = 1500 * time.Millisecond // at the contract's time-outs
	OpenFor       = openFor
	ProbesToClose = probesToClose
)

// Breaker is a breaker whose trials wait for a sign of life, or do not.
type Breaker struct{ *breaker }

// NewBreaker returns a closed one.
func NewBreaker(signed bool) Breaker { return Breaker{newBreaker(signed, TripWindow/windowTimeouts)} }

// Allow admits a command, whose outcome done must be told.
func (b Breaker) Allow(urgent bool) (done func(error), err error) { return b.allow(urgent) }

// Open reports whether the server is left alone, or only tried.
func (b Breaker) Open() bool { return b.open() }

// HealthOf is what an error tells of a server, and whether that ends reads too.
func HealthOf(err error) (words string, answers, writes bool) {
	t := healthOf(err)
	return t.String(), t.noAnswers(), t.noWrites()
}

// EpochName is what a scope's epoch is called in Redis.
func (f *Fleet) EpochName(scope cache.Scope) string { return f.names.epoch(scope) }

// Rights are the rules of a user who has all that brokers need.
func Rights() []string {
	rules := []string{ruleKeys, ruleChannels, "+subscribe"}
	for _, r := range rights {
		rules = append(rules, "+"+r.rule)
	}
	return rules
}

// ConfirmWrongServer has the share take as confirmed for an hour that another process is its only server.
func (f *Fleet) ConfirmWrongServer() {
	g := f.redis.hooks.inUse()[0]
	l := g.current.Load().serverState
	l.runID = strings.Repeat("0", replicationIDSize)
	g.current.Store(&confirmedMaster{l, time.Now().Add(time.Hour)})
}

// LateFence gives up a fence around a scope that has not arrived, which it is looked for
// as long as that. looked gets one for each look, arrive has it arrive, and given is closed
// when nobody looks for it any more.
func (f *Fleet) LateFence(ctx context.Context, scope cache.Scope, late time.Duration) (looked <-chan bool, arrive func() error, given <-chan struct{}) {
	c := &sharedFence{fleet: f, scopes: []cache.Scope{scope}, id: random(), epochs: [][16]byte{random()}}
	done, looks := make(chan struct{}), make(chan bool, 10_000)
	go func() { defer close(done); c.cancelUntilArrived(ctx, late, func() { looks <- true }) }()
	return looks, func() error {
		root := f.names.root(scope)
		_, err := f.at(ctx, beginFence, root.epoch(), c.epochs[0][:], epochLife.Milliseconds(), c.id[:], f.fenceLife.Milliseconds(), maxFences)
		return err
	}, done
}

// LateWithin is how long a fence that was given up may be late.
const LateWithin = mayArriveWithin

// ID is what brokers call this one.
func (f *Fleet) ID() string { return f.membership.id }

// PoolChangesName and LeasesName are what the changes that are noted, and the table of leases,
// are called in Redis.
func (f *Fleet) PoolChangesName() string { return f.names.poolChanges() }
func (f *Fleet) LeasesName() string      { return f.membership.leasesKey }

// TakeOverLapsed is TakeOverPoolChanges for leases that lapsed longer ago than that, and a
// table that stands for longer.
func (f *Fleet) TakeOverLapsed(ctx context.Context, lapsed, stood time.Duration) ([]cache.PoolChange, error) {
	return f.readPoolChanges(ctx, takeOverPoolChanges, f.membership.id, lapsed.Milliseconds(), stood.Milliseconds())
}

// RightsCheck is what is known of rights on a server.
type RightsCheck struct{ rightsCheck }

// Dialed, Refused, Finished, Due, Unexplained and MissingRules tell of it: that a connection
// was made, that the server refused something, what a check found, whether one is due,
// whether what was refused has no name, and what is missing.
func (c *RightsCheck) Dialed()                    { c.dials.Add(1) }
func (c *RightsCheck) Refused()                   { c.refusedAt.Store(time.Now().UnixNano()) }
func (c *RightsCheck) Finished(missing ...string) { c.finished(missing) }
func (c *RightsCheck) Due() bool                  { return c.due() }
func (c *RightsCheck) Unexplained() bool          { return c.unexplained() }
func (c *RightsCheck) MissingRules() string       { return c.missingRules() }
