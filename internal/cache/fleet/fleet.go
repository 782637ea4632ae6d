package fleet

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
)

// Observer counts what happens between brokers. Implementations are fast and safe
// for concurrent use.
type Observer interface {
	// Fence counts fences and how long they took to begin: "begun" or "failed".
	Fence(outcome string, took time.Duration)
	// Subscription says whether announcements are heard.
	Subscription(open bool)
	// AnnouncementsMissed counts gaps in the announcements.
	AnnouncementsMissed()
	// OpenFailed counts blobs that did not open.
	OpenFailed()
	// Redis counts round trips and how long they took, by the first command.
	Redis(command string, took time.Duration)
}

// Config holds what a Fleet works with. Fields without a remark are required.
type Config struct {
	Server  Server
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
	redis      client
	names      names
	seal       *Seal
	membership *membership
	reader     *reader
	opener     *reader // of epochs, which it makes where they are missing
	fenceLife  time.Duration
	observe    Observer
	skewed     func() time.Duration
	log        *zap.Logger

	// background has work done behind its caller, under a context that Close ends.
	background func(work func(ctx context.Context))
	running    sync.WaitGroup
	end        context.CancelFunc
}

var _ cache.Fleet = (*Fleet)(nil)

// New makes a share in the fleet whose Redis and keys the configuration names. It
// does not connect; Run does.
func New(c Config) (*Fleet, error) {
	seal, err := NewSeal(c.Keys...)
	if err != nil {
		return nil, err
	}
	if len(c.NameKey) != 32 {
		return nil, fmt.Errorf("name key has %d bytes, want 32", len(c.NameKey))
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	f := &Fleet{
		redis: dial(c.Server, c.Observer), names: names{cache.NewNamer(c.NameKey)}, seal: seal,
		fenceLife: c.FenceLife, observe: c.Observer, log: c.Log, skewed: c.Skew,
	}
	life, end := context.WithCancel(context.Background())
	f.background = func(work func(context.Context)) { f.running.Go(func() { work(life) }) }
	f.end = end
	f.reader, f.opener = newReader(f.redis), newReader(f.redis)
	f.opener.fetch = func(ctx context.Context, from *redis.Client, names []string, r *reply) error {
		return f.redis.openTogether(ctx, from, names, f.fenceLife-recentFence, r)
	}
	id := random()
	f.membership = &membership{
		redis: f.redis, names: f.names, seal: seal, observe: c.Observer,
		id: hex.EncodeToString(id[:]), leasesKey: f.names.shared("leases"), lease: cache.NewLease(),
		invalidate: func(...cache.Scope) {},
		waiting:    map[[16]byte]chan string{}, acks: make(chan ack, maxMembers),
	}
	f.membership.log = &invalidationLog{missed: f.membership.missedAnnouncement, changed: make(chan struct{})}
	return f, nil
}

// OnInvalidation says what ends scopes in this process's memory when another broker
// announces a change. Call it before Run.
func (f *Fleet) OnInvalidation(end func(scopes ...cache.Scope)) { f.membership.invalidate = end }

// Run keeps the broker's lease, and hears announcements, until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { f.watchHealth(ctx) })
	f.membership.run(bypassBreaker(ctx))
	group.Wait()
	return nil
}

// Lease is the right to serve from memory.
func (f *Fleet) Lease() *cache.Lease { return f.membership.lease }

// Close ends the connections, and what goes on behind callers. The Fleet must not be
// used afterwards.
func (f *Fleet) Close() error {
	f.end()
	f.running.Wait()
	return f.redis.Close()
}
