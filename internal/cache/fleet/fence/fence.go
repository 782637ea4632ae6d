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
	epochs [][16]byte
	ended  bool
}

// BeginFence makes the scopes' epochs pending and has all brokers end what they hold in
// memory for them. It takes two round trips and the slowest broker's
// acknowledgement; a broker that does not answer costs the length of its lease.
func (f *Fences) BeginFence(ctx context.Context, scopes []cache.Scope) (cache.SharedFence, error) {
	start := time.Now()
	c := &sharedFence{fences: f, scopes: scopes, id: codec.Random(), epochs: make([][16]byte, len(scopes))}
	for i := range c.epochs {
		c.epochs[i] = codec.Random()
	}
	_, stood, err := f.onEach(ctx, f.redis.RunConfirmed, beginFence, scopes, func(i int) []any {
		return []any{c.epochs[i][:], EpochLife.Milliseconds(), c.id[:], f.fenceLife.Milliseconds(), MaxFences}
	})
	if err == nil {
		err = f.membership.announce(ctx, scopes, stood.EnoughFor)
	}
	if err != nil {
		// What was made pending, or may have been, lapses by itself; better at once,
		// unless it would health a server that nothing was sent to.
		if !errors.Is(err, redisconn.ErrBreakerOpen) && !errors.Is(err, redisconn.ErrNotConnected) {
			f.background(c.abandon)
		}
		f.observe.Fence("failed", time.Since(start))
		return nil, err
	}
	f.observe.Fence("begun", time.Since(start))
	return c, nil
}

// mayArriveWithin is how long after a server's first answer a command may arrive that was
// sent before: it was held up with the server, or on its way.
const mayArriveWithin = 2 * time.Second

// abandon takes back a fence that did not come about. What was sent to make it may
// arrive after its caller gave it up, and would leave the scopes without a cache for
// as long as a fence lasts.
func (c *sharedFence) abandon(ctx context.Context) {
	c.cancelUntilArrived(ctx, mayArriveWithin, func() {})
}

// cancelUntilArrived looks for the fence until it is not late any more; looked is called after each
// look.
func (c *sharedFence) cancelUntilArrived(ctx context.Context, late time.Duration, looked func()) {
	ctx, cancel := context.WithTimeout(ctx, c.fences.fenceLife)
	defer cancel()
	var answered time.Time
	_ = retry(ctx, func(ctx context.Context) error {
		_, unknown, _, err := c.end(ctx, c.fences.redis.Run, true)
		defer looked()
		if err != nil || len(unknown) == 0 {
			return err
		}
		if answered.IsZero() {
			answered = time.Now()
		}
		if time.Since(answered) < late {
			return errMayArrive
		}
		return nil
	})
}

// errMayArrive says that a fence is looked for that may still arrive.
var errMayArrive = errors.New("the fence has not arrived")

// Done opens new epochs. Where Redis lost the fence meanwhile, others may have
// stored and kept what is older than the change: they are told once more. Where a
// server's replicas do not confirm its end, another may have taken its place that does
// not know it. It tries until ctx ends.
func (c *sharedFence) Done(ctx context.Context) ([]cache.Epoch, error) {
	if c.ended {
		return nil, nil
	}
	c.ended = true
	ctx = redisconn.BypassBreaker(ctx)
	var epochs []cache.Epoch
	alone := true
	err := retry(ctx, func(ctx context.Context) error {
		var lost []cache.Scope
		var err error
		var undisturbed bool
		epochs, lost, undisturbed, err = c.end(ctx, c.fences.redis.RunConfirmed, false)
		alone = alone && undisturbed
		if err == nil && len(lost) > 0 {
			err = c.fences.membership.announce(ctx, lost, 0)
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
	_, _, _, err := c.end(redisconn.BypassBreaker(ctx), c.fences.redis.Run, true)
	return err
}

// end runs the end of the fence for each scope. lost are those whose fence Redis
// did not know any more.
func (c *sharedFence) end(ctx context.Context, by redisconn.ScriptRunner, unchanged bool) (epochs []cache.Epoch, lost []cache.Scope, undisturbed bool, err error) {
	results, _, err := c.fences.onEach(ctx, by, endFence, c.scopes, func(i int) []any {
		fresh, cancelled := codec.Random(), 0
		if unchanged {
			cancelled = 1
		}
		return []any{fresh[:], EpochLife.Milliseconds(), c.id[:], c.epochs[i][:], cancelled}
	})
	if err != nil {
		return nil, nil, false, err
	}
	undisturbed = true
	for i, r := range results {
		answer, err := r.Slice()
		if err != nil || len(answer) != 3 {
			return nil, nil, false, redisconn.Unavailable("end a fence", err)
		}
		value, _ := answer[0].(string)
		epoch, ok := codec.ParseEpoch(value)
		epochs = append(epochs, epoch)
		undisturbed = undisturbed && ok && answer[2] == int64(1)
		if answer[1] != int64(1) {
			lost = append(lost, c.scopes[i])
		}
	}
	return epochs, lost, undisturbed, nil
}

// retry tries again what failed until it succeeds or ctx ends.
func retry(ctx context.Context, try func(context.Context) error) error {
	pause := 20 * time.Millisecond
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause = min(2*pause, 500*time.Millisecond)
	}
}
