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
	// retryAfter is how long nobody tries again what failed; the periodic probe does.
	retryAfter = 2 * ProbeEvery
)

// masterLease is for how long a broker takes what a server says of epochs for true: a
// moment from when the server had its replicas confirm a write, if it must have any. It had
// not been replaced then, and a change at a server that replaced it since waits as
// long. It is safe for concurrent use.
type masterLease struct {
	current      atomic.Pointer[ConfirmedMaster]
	failedAt     atomic.Int64 // when a probe failed last, in Unix nanoseconds
	failedHealth atomic.Int32 // the health that it met
	probes       singleflight.Group
	lastTerm     atomic.Pointer[masterTerm]
}

// ConfirmedMaster is a server that was confirmed.
type ConfirmedMaster struct {
	ReplicationID              string
	enoughSince, losslessSince time.Time
	losses                     int64
	lapses                     time.Time
}

// state is how long the server has been what it is.
func (m *ConfirmedMaster) state() ServerState {
	return ServerState{EnoughFor: time.Since(m.enoughSince), LosslessFor: time.Since(m.losslessSince)}
}

// until is the same server, confirmed until then.
func (m *ConfirmedMaster) until(lapses time.Time) *ConfirmedMaster {
	next := *m
	next.lapses = lapses
	return &next
}

// masterTerm is the replication id that a server had last, and since when that is known
// where it had another before.
type masterTerm struct {
	replicationID string
	since         time.Time
}

// noteTerm notes a server's replication id, if it is a master, and returns how long it has
// been known that the server had no other.
func (l *masterLease) noteTerm(id string) time.Duration {
	known := l.lastTerm.Load()
	if id != "" && (known == nil || known.replicationID != id) {
		next := &masterTerm{replicationID: id}
		if known != nil {
			next.since = time.Now()
		}
		l.lastTerm.Store(next)
		known = next
	}
	if known == nil || known.since.IsZero() {
		return math.MaxInt64
	}
	return time.Since(known.since)
}

// masterID is the replication id that the server had last; where none is known yet, it is
// asked. It fails with ErrUnconfirmed where the server is no master.
func (l *masterLease) masterID(ctx context.Context, conn redis.Cmdable) (string, error) {
	if known := l.lastTerm.Load(); known != nil {
		return known.replicationID, nil
	}
	text, err := conn.Info(ctx, "replication").Result()
	if err != nil {
		return "", err
	}
	id := MasterID([]byte(text))
	if id == "" {
		return "", ErrUnconfirmed
	}
	l.noteTerm(id)
	return id, nil
}

// confirm notes a server that was confirmed.
func (l *masterLease) confirm(next *ConfirmedMaster) {
	for {
		old := l.current.Load()
		if old != nil && !next.lapses.After(old.lapses) || l.current.CompareAndSwap(old, next) {
			return
		}
	}
}

// failed notes why a probe failed, if it did.
func (l *masterLease) failed(err error) {
	if err != nil {
		l.failedHealth.Store(int32(healthOf(err)))
		l.failedAt.Store(time.Now().UnixNano())
	}
}

// held is what is confirmed now: a server of that replication id, or of any where it is
// empty; nil: none.
func (l *masterLease) held(id string) *ConfirmedMaster {
	known := l.current.Load()
	if known == nil || !time.Now().Before(known.lapses) || id != "" && known.ReplicationID != id {
		return nil
	}
	return known
}

// confirmed is held, after a probe where that is nil. It fails with ErrUnconfirmed, or as
// the probe does.
func (l *masterLease) confirmed(
	ctx context.Context, id string, probe func(context.Context) error,
) (*ConfirmedMaster, error) {
	if known := l.held(id); known != nil {
		return known, nil
	}
	if since(&l.failedAt) < retryAfter {
		return nil, ErrUnconfirmed
	}
	tried := l.probes.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), masterLeaseLife)
		defer cancel()
		err := probe(ctx)
		l.failed(err)
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
	if known := l.held(id); known != nil {
		return known, nil
	}
	return nil, ErrUnconfirmed
}

// ConfirmedMaster is what is confirmed now of a server, if it has that replication id, or
// any where it is empty. It fails where nothing is, and a probe does not change that.
func (c Client) ConfirmedMaster(ctx context.Context, node *redis.Client, id string) (*ConfirmedMaster, error) {
	return c.hooks.of(node).confirmed(ctx, id, func(ctx context.Context) error { return c.probe(ctx, node) })
}

// renewMasterLeases probes all masters, whether or not somebody wants them: one that nobody
// looked at for long lets the next change wait.
func (c Client) renewMasterLeases(ctx context.Context) {
	ctx = asProbe(ctx)
	try := func(ctx context.Context, node *redis.Client) error {
		err := c.probe(ctx, node)
		if !saysNothing(ctx, err) {
			c.hooks.of(node).failed(err)
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
