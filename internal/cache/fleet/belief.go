package fleet

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

const (
	// believedFor is how long a server is believed, from before it was asked: shorter
	// than a change waits at a server that took over.
	believedFor = leaseCounted
	// doubtedFor is how long nobody tries again what failed; the watch does.
	doubtedFor = 2 * watchEvery
)

// belief is for how long a broker takes what a server says of epochs for true: a
// moment from when the server had its replicas confirm a write, if it has any. It had
// not been replaced then, and a change at a server that replaced it since waits as
// long. It is safe for concurrent use.
type belief struct {
	now     atomic.Pointer[believed]
	doubted atomic.Int64 // when a try failed last, in Unix nanoseconds
	cause   atomic.Int32 // the trouble that it met
	tries   singleflight.Group
	met     atomic.Pointer[met]
}

// met is the reign that a server was in last, and when that was met where it was in
// another before.
type met struct {
	reign string
	since time.Time
}

// meet notes a server's reign, and returns how long it has been known that the server
// was in no other.
func (b *belief) meet(reign string) time.Duration {
	known := b.met.Load()
	if known == nil || known.reign != reign {
		next := &met{reign: reign}
		if known != nil {
			next.since = time.Now()
		}
		b.met.Store(next)
		known = next
	}
	if known.since.IsZero() {
		return math.MaxInt64
	}
	return time.Since(known.since)
}

type believed struct {
	look
	until time.Time
}

// believe notes that a server stood as told when it was asked.
func (b *belief) believe(l look, asked time.Time) {
	next := &believed{l, asked.Add(believedFor)}
	for {
		old := b.now.Load()
		if old != nil && !next.until.After(old.until) || b.now.CompareAndSwap(old, next) {
			return
		}
	}
}

// doubt notes why a try failed, if it did.
func (b *belief) doubt(err error) {
	if err != nil {
		b.cause.Store(int32(troubleOf(err)))
		b.doubted.Store(time.Now().UnixNano())
	}
}

// held is what is believed now, or nil.
func (b *belief) held() *believed {
	if known := b.now.Load(); known != nil && time.Now().Before(known.until) {
		return known
	}
	return nil
}

// where is what is believed now of the server that is meant; try asks it, where
// nothing is. It fails with errUnconfirmed, or as try does.
func (b *belief) where(ctx context.Context, meant func(*believed) bool, try func(context.Context) error) (*believed, error) {
	if known := b.held(); known != nil && meant(known) {
		return known, nil
	}
	if since(&b.doubted) < doubtedFor {
		return nil, errUnconfirmed
	}
	tried := b.tries.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), believedFor)
		defer cancel()
		err := try(ctx)
		b.doubt(err)
		return nil, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-tried:
		if r.Err != nil {
			return nil, r.Err
		}
	}
	if known := b.held(); known != nil && meant(known) {
		return known, nil
	}
	return nil, errUnconfirmed
}

// believeAll keeps up the belief in all masters, whether or not somebody wants them: one
// that nobody looked at for long lets the next change wait.
func (c client) believeAll(ctx context.Context) {
	ctx = looking(ctx)
	try := func(ctx context.Context, node *redis.Client) error {
		g := c.guards.of(node)
		if known := g.held(); known != nil && time.Until(known.until) > believedFor-watchEvery/2 {
			return nil // the lease has just been renewed there
		}
		_, _, err := c.runConfirmed(ctx, node, script{}, nil)
		if !ofNobody(ctx, err) {
			g.doubt(err)
		}
		return err
	}
	if c.cluster != nil {
		if c.meeting.met.Load() {
			_ = c.cluster.ForEachMaster(ctx, try)
		}
		return
	}
	if one, ok := c.UniversalClient.(*redis.Client); ok {
		_ = try(ctx, one)
	}
}
