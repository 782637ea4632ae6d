package fence

import (
	"context"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Observer counts what happens around fences. Implementations are fast and safe for
// concurrent use.
type Observer interface {
	// Fence counts fences and how long they took to begin: "begun" or "failed".
	Fence(outcome string, took time.Duration)
	// Subscription says whether announcements are heard.
	Subscription(open bool)
	// AnnouncementsMissed counts gaps in the announcements.
	AnnouncementsMissed()
}

// Fences are the epochs of a fleet, and this broker's membership in it. It is safe for
// concurrent use.
type Fences struct {
	redis      redisconn.Client
	codec      *codec.Codec
	membership *membership
	opener     *pipeline.Reader // of epochs, which it makes where they are missing
	fenceLife  time.Duration
	observe    Observer

	begunErr atomic.Pointer[error] // why the last fence did not begin; of nil: it did
	life     context.Context       // of what goes on behind callers
	end      context.CancelFunc
	running  sync.WaitGroup
}

// New makes those of a broker. A fence whose broker has died lasts for fenceLife.
func New(c redisconn.Client, k *codec.Codec, fenceLife time.Duration, observe Observer) *Fences {
	f := &Fences{redis: c, codec: k, fenceLife: fenceLife, observe: observe}
	f.opener = pipeline.NewFetcher(c, f.openTogether)
	f.life, f.end = context.WithCancel(context.Background())
	id := codec.Random()
	f.membership = &membership{
		redis: c, codec: k, observe: observe,
		id: hex.EncodeToString(id[:]), leases: leaseKeys(k.Names), lease: cache.NewLease(),
		invalidate: func(...cache.Scope) {},
		waiting:    map[[16]byte]chan string{}, acks: make(chan ack, maxMembers),
	}
	f.membership.log = &invalidationLog{missed: f.membership.missedAnnouncement, changed: make(chan struct{})}
	return f
}

// OnInvalidation says what ends scopes in this process's memory when another broker
// announces a change. Call it before Run.
func (f *Fences) OnInvalidation(end func(scopes ...cache.Scope)) { f.membership.invalidate = end }

// Run keeps the broker's lease, and hears announcements, until ctx ends.
func (f *Fences) Run(ctx context.Context) { f.membership.run(redisconn.BypassBreaker(ctx)) }

// Lease is the right to serve from memory.
func (f *Fences) Lease() *cache.Lease { return f.membership.lease }

// BrokerID is a random number that names this broker, in hexadecimal.
func (f *Fences) BrokerID() string { return f.membership.id }

// SessionError is how the broker's last session with Redis ended; nil: none did, or well.
func (f *Fences) SessionError() error {
	if ended := f.membership.ended.Load(); ended != nil {
		return *ended
	}
	return nil
}

// BeginError is why the last fence could not begin; nil: it did, or there was none.
func (f *Fences) BeginError() error {
	if err := f.begunErr.Load(); err != nil {
		return *err
	}
	return nil
}

// AnnouncementsMissed is how often announcements went unheard, so that all in memory ended.
func (f *Fences) AnnouncementsMissed() int64 { return f.membership.missed.Load() }

// Close ends what goes on behind callers.
func (f *Fences) Close() {
	f.end()
	f.running.Wait()
}

// background has work done behind its caller, until Close.
func (f *Fences) background(work func(ctx context.Context)) {
	f.running.Go(func() { work(f.life) })
}
