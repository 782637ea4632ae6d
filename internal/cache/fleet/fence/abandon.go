package fence

import (
	"context"
	"errors"
	"time"
)

// mayArriveWithin is how long after a server's first answer a command may arrive that was
// sent before: it was held up with the server, or on its way.
const mayArriveWithin = 2 * time.Second

// errMayArrive says that a fence was not found, and may still arrive.
var errMayArrive = errors.New("the fence has not arrived")

// abandon cancels a fence that did not come about. What was sent to make it may
// arrive after its caller gave it up, and would leave the scopes without a cache for
// as long as a fence lasts.
func (c *sharedFence) abandon(ctx context.Context) {
	c.cancelUntilArrived(ctx, mayArriveWithin, func() {})
}

// cancelUntilArrived cancels the fence until it was found, or cannot arrive any more: a while
// after the server answered first. tried is called after each try.
func (c *sharedFence) cancelUntilArrived(ctx context.Context, late time.Duration, tried func()) {
	ctx, cancel := context.WithTimeout(ctx, c.fences.fenceLife)
	defer cancel()
	var answered time.Time
	_ = retry(ctx, func(ctx context.Context) error {
		defer tried()
		end, err := c.end(ctx, c.fences.redis.Run, true)
		if err != nil || len(end.lost) == 0 {
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
