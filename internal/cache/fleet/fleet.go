package fleet

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/entry"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/flight"
	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/cognito-broker/broker/internal/cache/fleet/registry"
	"github.com/cognito-broker/broker/internal/cache/fleet/schedule"
)

// Observer counts what happens between brokers. Implementations are fast and safe
// for concurrent use.
type Observer interface {
	fence.Observer
	redisconn.Observer
	// OpenFailed counts sealed values that did not open.
	OpenFailed()
}

// Config holds what a Fleet works with. Fields without a remark are required.
type Config struct {
	Server  redisconn.Server
	Keys    [][]byte // 32 bytes each: the first seals, all open
	NameKey []byte   // 32 bytes, one for the fleet, not one of Keys
	// FenceLife is how long a fence lasts at most whose broker has died, and how long
	// one around a change of unknown outcome lasts. It is longer than any change.
	FenceLife time.Duration
	Observer  Observer
	// Skew is for tests that let time pass: it is added to Redis's clock where
	// renewals are scheduled and claimed. Nil: none is.
	Skew func() time.Duration
	Log  *zap.Logger // nil: none
}

// Fleet is a broker's share in the fleet. It is safe for concurrent use.
type Fleet struct {
	*fence.Fences
	*fence.PoolChanges
	*fence.DeferredEnds
	*entry.Entries
	*flight.Locks
	*schedule.Schedule
	*registry.LoginOwners
	*registry.SettingsStore
	*registry.Limiter

	redis  redisconn.Client
	codec  *codec.Codec
	reader *pipeline.Reader
	log    *zap.Logger
}

var _ cache.Fleet = (*Fleet)(nil)

// New makes a share in the fleet whose Redis and keys the configuration names. It
// does not connect; Run does.
func New(c Config) (*Fleet, error) {
	k, err := codec.New(c.Keys, c.NameKey, c.Observer.OpenFailed)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Skew == nil {
		c.Skew = func() time.Duration { return 0 }
	}
	server := redisconn.Dial(c.Server, c.Observer)
	r := pipeline.NewReader(server)
	fences := fence.New(server, k, c.FenceLife, c.Observer)
	return &Fleet{
		Fences:        fences,
		PoolChanges:   fence.NewPoolChanges(server, k, fences.BrokerID()),
		DeferredEnds:  fence.NewDeferredEnds(server, k, fences.BrokerID()),
		Entries:       entry.New(server, k, r, fences),
		Locks:         flight.New(server, k, r),
		Schedule:      schedule.New(server, k, c.Skew),
		LoginOwners:   registry.NewLoginOwners(server, k),
		SettingsStore: registry.NewSettingsStore(server, k),
		Limiter:       registry.NewLimiter(server, k),
		redis:         server, codec: k, reader: r, log: c.Log,
	}, nil
}

// Identities are the facts about identities that the fleet remembers. Run writes what
// is told of them.
func (f *Fleet) Identities() *registry.Identities {
	return registry.NewIdentities(f.redis, f.codec, f.reader)
}

// Run keeps the broker's lease, and hears announcements, until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { f.watchHealth(ctx) })
	f.Fences.Run(ctx)
	group.Wait()
	return nil
}

// Close ends the connections, and what goes on behind callers. The Fleet must not be
// used afterwards.
func (f *Fleet) Close() error {
	f.Fences.Close()
	return f.redis.Close()
}
