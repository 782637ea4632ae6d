package redisconn

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

const (
	// masterLeaseLife is how long a server is confirmed, from before it was asked: shorter
	// than a change waits at a server that took over.
	masterLeaseLife = 1900 * time.Millisecond
	// retryAfter is how long nobody tries again what failed; the watch does.
	retryAfter = 2 * ProbeEvery
)

// masterLease is for how long a broker takes what a server says of epochs for true: a
// moment from when the server had its replicas confirm a write, if it has any. It had
// not been replaced then, and a change at a server that replaced it since waits as
// long. It is safe for concurrent use.
type masterLease struct {
	current      atomic.Pointer[ConfirmedMaster]
	failedAt     atomic.Int64 // when a try failed last, in Unix nanoseconds
	failedHealth atomic.Int32 // the health that it met
	attempts     singleflight.Group
	lastTerm     atomic.Pointer[masterTerm]
}

// masterTerm is the replication id that a server was in last, and when that was met where it was in
// another before.
type masterTerm struct {
	replicationID string
	since         time.Time
}

// noteTerm notes a server's replication id, and returns how long it has been known that the server
// was in no other.
func (b *masterLease) noteTerm(reign string) time.Duration {
	known := b.lastTerm.Load()
	if known == nil || known.replicationID != reign {
		next := &masterTerm{replicationID: reign}
		if known != nil {
			next.since = time.Now()
		}
		b.lastTerm.Store(next)
		known = next
	}
	if known.since.IsZero() {
		return math.MaxInt64
	}
	return time.Since(known.since)
}

type ConfirmedMaster struct {
	ServerState
	until time.Time
}

// confirm notes that a server stood as told when it was asked.
func (b *masterLease) confirm(l ServerState, asked time.Time) {
	next := &ConfirmedMaster{l, asked.Add(masterLeaseLife)}
	for {
		old := b.current.Load()
		if old != nil && !next.until.After(old.until) || b.current.CompareAndSwap(old, next) {
			return
		}
	}
}

// failed notes why a try failed, if it did.
func (b *masterLease) failed(err error) {
	if err != nil {
		b.failedHealth.Store(int32(healthOf(err)))
		b.failedAt.Store(time.Now().UnixNano())
	}
}

// held is what is confirmed now, or nil.
func (b *masterLease) held() *ConfirmedMaster {
	if known := b.current.Load(); known != nil && time.Now().Before(known.until) {
		return known
	}
	return nil
}

// confirmed is what is confirmed now of the server that is meant; try asks it, where
// nothing is. It fails with errUnconfirmed, or as try does.
func (b *masterLease) confirmed(ctx context.Context, meant func(*ConfirmedMaster) bool, try func(context.Context) error) (*ConfirmedMaster, error) {
	if known := b.held(); known != nil && meant(known) {
		return known, nil
	}
	if since(&b.failedAt) < retryAfter {
		return nil, errUnconfirmed
	}
	tried := b.attempts.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), masterLeaseLife)
		defer cancel()
		err := try(ctx)
		b.failed(err)
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

// renewMasterLeases keeps up the leases of all masters, whether or not somebody wants them: one
// that nobody looked at for long lets the next change wait.
func (c Client) renewMasterLeases(ctx context.Context) {
	ctx = asProbe(ctx)
	try := func(ctx context.Context, node *redis.Client) error {
		g := c.hooks.of(node)
		if known := g.held(); known != nil && time.Until(known.until) > masterLeaseLife-ProbeEvery/2 {
			return nil // the lease has just been renewed there
		}
		_, _, err := c.RunConfirmed(ctx, node, Script{}, nil)
		if !saysNothing(ctx, err) {
			g.failed(err)
		}
		return err
	}
	if c.Cluster != nil {
		if c.gate.open.Load() {
			_ = c.Cluster.ForEachMaster(ctx, try)
		}
		return
	}
	if one, ok := c.UniversalClient.(*redis.Client); ok {
		_ = try(ctx, one)
	}
}

// ConfirmedMaster is what is confirmed of a server, if it is the one that is meant.
func (c Client) ConfirmedMaster(ctx context.Context, from *redis.Client, meant func(*ConfirmedMaster) bool) (*ConfirmedMaster, error) {
	return c.hooks.of(from).confirmed(ctx, meant, func(ctx context.Context) error {
		_, _, err := c.RunConfirmed(ctx, from, Script{}, nil)
		return err
	})
}
