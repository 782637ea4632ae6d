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
	MaxTrips = maxTrips
	Plenty   = plenty
	MaxBatch = maxBatch
	MaxQueue = maxQueue

	MaxFences = maxFences
)

// Reader is a reader with its own connections.
type Reader struct{ reader }

// NewReader returns a Reader of a server.
func NewReader(s Server, observe Observer) *Reader {
	c := dial(s, observe)
	return &Reader{reader{redis: c, lanes: newReader(c).lanes}}
}

// NewReaderBy returns a Reader whose trips are made by fetch, and are late after a
// while. It has no connections.
func NewReaderBy(late time.Duration, fetch func(keys []string)) *Reader {
	l := newLane(nil, func(_ context.Context, _ *redis.Client, keys []string, r *reply) error {
		fetch(keys)
		r.values = append(r.values, make([][]byte, len(keys)+1)...)
		return nil
	}, 0)
	l.late = late
	r := &Reader{reader{lanes: map[*redis.Client]*lane{nil: l}}}
	r.only.Store(l)
	return r
}

// Get reads keys in batches, Direct by themselves.
func (r *Reader) Get(ctx context.Context, keys ...string) ([]string, error) { return r.get(ctx, keys) }

// Direct reads keys as Get does, but for the batches.
func (r *Reader) Direct(ctx context.Context, keys ...string) ([]string, error) {
	return r.direct(ctx, keys)
}

// Late reports whether the last trip to each server is late.
func (r *Reader) Late() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.lanes {
		l.mu.Lock()
		ok := time.Since(l.begun) >= l.late
		l.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

// Waiting is how many reads wait for a trip, and how many trips are under way.
func (r *Reader) Waiting() (reads, trips int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.lanes {
		l.mu.Lock()
		reads, trips = reads+len(l.queue), trips+l.trips
		l.mu.Unlock()
	}
	return reads, trips
}

// Close ends the connections.
func (r *Reader) Close() { r.redis.Close() }

// What a breaker says and is told.
var (
	ErrLeftAlone = errLeftAlone
	ErrFailed    = errFailed
	ErrNothing   = errNothing
)

// Bounds of a breaker.
const (
	TripFloor  = tripFloor
	TripWindow = 1500 * time.Millisecond // at the contract's time-outs
	RestFor    = restFor
	Trials     = trials
)

// Breaker is a breaker whose trials wait for a sign of life, or do not.
type Breaker struct{ *breaker }

// NewBreaker returns a closed one.
func NewBreaker(signed bool) Breaker { return Breaker{newBreaker(signed, TripWindow/tripTimeouts)} }

// Allow admits a command, whose outcome done must be told.
func (b Breaker) Allow(urgent bool) (done func(error), err error) { return b.allow(urgent) }

// Open reports whether the server is left alone, or only tried.
func (b Breaker) Open() bool { return b.open() }

// TroubleOf is what an error tells of a server, and whether that ends reads too.
func TroubleOf(err error) (words string, answers, writes bool) {
	t := troubleOf(err)
	return t.String(), t.ofAnswers(), t.ofWrites()
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

// Mistake has the share believe for an hour that another process is its only server.
func (f *Fleet) Mistake() {
	g := f.redis.guards.wanted()[0]
	l := g.now.Load().look
	l.process = strings.Repeat("0", reignSize)
	g.now.Store(&believed{l, time.Now().Add(time.Hour)})
}

// LateFence gives up a fence around a scope that has not arrived, which it is looked for
// as long as that. looked gets one for each look, arrive has it arrive, and given is closed
// when nobody looks for it any more.
func (f *Fleet) LateFence(ctx context.Context, scope cache.Scope, late time.Duration) (looked <-chan bool, arrive func() error, given <-chan struct{}) {
	c := &change{fleet: f, scopes: []cache.Scope{scope}, id: random(), begun: [][16]byte{random()}}
	done, looks := make(chan struct{}), make(chan bool, 10_000)
	go func() { defer close(done); c.takeBack(ctx, late, func() { looks <- true }) }()
	return looks, func() error {
		root := f.names.root(scope)
		_, err := f.at(ctx, beginFence, root.epoch(), c.begun[0][:], epochLife.Milliseconds(), c.id[:], f.pending.Milliseconds(), maxFences)
		return err
	}, done
}

// LateWithin is how long a fence that was given up may be late.
const LateWithin = lateWithin

// ID is what brokers call this one.
func (f *Fleet) ID() string { return f.member.id }

// DoubtsName and LeasesName are what the changes that are noted, and the table of leases,
// are called in Redis.
func (f *Fleet) DoubtsName() string { return f.names.doubts() }
func (f *Fleet) LeasesName() string { return f.member.key }

// AdoptLapsed is AdoptDoubts for leases that lapsed longer ago than that, and a table that
// stands for longer.
func (f *Fleet) AdoptLapsed(ctx context.Context, lapsed, stood time.Duration) ([]cache.Doubt, error) {
	return f.readDoubts(ctx, adoptDoubts, f.member.id, lapsed.Milliseconds(), stood.Milliseconds())
}

// Trial is what is known of rights on a server.
type Trial struct{ trial }

// Dialed, Forbade, Tried, Due, Unnamed and Lacks tell of it: that a connection was made,
// that the server refused something, what a trial found, whether one is due, whether what
// was refused has no name, and what lacks.
func (t *Trial) Dialed()                 { t.dials.Add(1) }
func (t *Trial) Forbade()                { t.forbade.Store(time.Now().UnixNano()) }
func (t *Trial) Tried(missing ...string) { t.tried(missing) }
func (t *Trial) Due() bool               { return t.due() }
func (t *Trial) Unnamed() bool           { return t.unnamed() }
func (t *Trial) Lacks() string           { return t.lacks() }
