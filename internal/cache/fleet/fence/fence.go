package fence

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// sharedFence is a fence that is open.
type sharedFence struct {
	fences *Fences
	scopes []cache.Scope
	id     [16]byte
	epochs [][16]byte // that it began
	terms  []string   // the replication ids of the masters that it began at
	ended  bool
}

// BeginFence makes the scopes' epochs pending and has all brokers end what they hold in
// memory for them. It takes two round trips and the slowest broker's
// acknowledgement; a broker that does not answer costs the length of its lease. It fails with
// cache.ErrFleet.
func (f *Fences) BeginFence(ctx context.Context, scopes []cache.Scope) (cache.SharedFence, error) {
	start := time.Now()
	c := &sharedFence{fences: f, scopes: scopes, id: codec.Random(), epochs: make([][16]byte, len(scopes))}
	calls := make([]redisconn.Call, len(scopes))
	for i, scope := range scopes {
		c.epochs[i] = codec.Random()
		calls[i] = redisconn.Call{Keys: scopeKeys(f.codec.Names.Root(scope)), Args: []any{
			c.epochs[i][:], EpochLife.Milliseconds(), c.id[:], f.fenceLife.Milliseconds(), MaxFences,
		}}
	}
	results, server, err := f.redis.Spread(ctx, f.redis.RunConfirmed, beginFence, calls)
	if err != nil {
		err = redisconn.Unavailable("begin a fence", err)
	} else {
		for _, r := range results {
			term, _ := r.Text()
			c.terms = append(c.terms, term)
		}
		young := server.EnoughFor < leaseLife+clockStep
		err = f.membership.announce(ctx, scopes, young, young)
	}
	if err != nil {
		// What was made pending, or may have been, lapses by itself. It is cancelled at once,
		// unless nothing was sent.
		if !errors.Is(err, redisconn.ErrBreakerOpen) && !errors.Is(err, redisconn.ErrNotConnected) {
			f.background(c.abandon)
		}
		f.begunErr.Store(&err)
		f.observe.Fence("failed", time.Since(start))
		return nil, err
	}
	f.begunErr.Store(nil)
	f.observe.Fence("begun", time.Since(start))
	return c, nil
}

// Done opens new epochs. Where Redis lost the fence meanwhile, others may have stored and kept
// what is older than the change: they are told once more. So they are where a server has become
// master since the fence began: the one before may have lost the fence, and was believed for a
// while. Where a server's replicas do not confirm the end, another may have taken its place that
// does not know it. It tries until ctx ends.
func (c *sharedFence) Done(ctx context.Context) ([]cache.Epoch, error) {
	if c.ended {
		return nil, nil
	}
	c.ended = true
	ctx = redisconn.BypassBreaker(ctx)
	var epochs []cache.Epoch
	alone := true
	err := retry(ctx, func(ctx context.Context) error {
		end, err := c.end(ctx, c.fences.redis.RunConfirmed, false)
		epochs, alone = end.epochs, alone && end.undisturbed
		if err == nil && len(end.lost) > 0 {
			err = c.fences.membership.announce(ctx, end.lost, true, end.replaced)
		}
		return err
	})
	if err != nil || !alone {
		return nil, err
	}
	return epochs, nil
}

// Cancel returns to the epochs before, once all fences that overlap are cancelled.
func (c *sharedFence) Cancel(ctx context.Context) error {
	if c.ended {
		return nil
	}
	c.ended = true
	_, err := c.end(redisconn.BypassBreaker(ctx), c.fences.redis.Run, true)
	return err
}

// ended is what the end of a fence found.
type ended struct {
	epochs      []cache.Epoch // that stand now
	lost        []cache.Scope // whose fence Redis may not have known all the time
	replaced    bool          // there is another master than it began at
	undisturbed bool          // no other fence overlapped
}

// end ends the fence of each scope.
func (c *sharedFence) end(ctx context.Context, by redisconn.ScriptRunner, cancelled bool) (ended, error) {
	flag := 0
	if cancelled {
		flag = 1
	}
	calls := make([]redisconn.Call, len(c.scopes))
	for i, scope := range c.scopes {
		fresh := codec.Random()
		calls[i] = redisconn.Call{Keys: scopeKeys(c.fences.codec.Names.Root(scope)), Args: []any{
			fresh[:], EpochLife.Milliseconds(), c.id[:], c.epochs[i][:], flag,
		}}
	}
	results, _, err := c.fences.redis.Spread(ctx, by, endFence, calls)
	if err != nil {
		return ended{}, redisconn.Unavailable("end a fence", err)
	}
	e := ended{undisturbed: true}
	for i, r := range results {
		answer, err := r.Slice()
		if err != nil || len(answer) != 4 {
			return ended{}, redisconn.Unavailable("end a fence", err)
		}
		value, _ := answer[0].(string)
		epoch, ok := codec.ParseEpoch(value)
		e.epochs = append(e.epochs, epoch)
		e.undisturbed = e.undisturbed && ok && answer[2] == int64(1)
		replaced := !cancelled && answer[3] != c.terms[i]
		e.replaced = e.replaced || replaced
		if replaced || answer[1] != int64(1) {
			e.lost = append(e.lost, c.scopes[i])
		}
	}
	return e, nil
}
