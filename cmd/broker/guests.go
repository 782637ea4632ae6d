package main

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/config"
)

// guests limits new guests by address and pool, over the whole fleet where there is
// one. While that cannot be asked, each broker counts by itself.
type guests struct {
	own   *cache.Rates
	rate  fleet.Rate
	fleet *fleet.Fleet // nil: this broker is alone
}

// guestNames bounds the pairs of address and pool that a broker counts.
const guestNames = 100_000

func newGuests(g config.Rate, f *fleet.Fleet) (*guests, error) {
	own, err := cache.NewRates(g.PerMinute, g.Burst, guestNames)
	rate := fleet.Rate{Every: time.Minute / time.Duration(g.PerMinute), Burst: g.Burst}
	return &guests{own: own, rate: rate, fleet: f}, err
}

// Wait takes a turn for a guest.
func (g *guests) Wait(ctx context.Context, address, pool string) error {
	if g.fleet == nil {
		return g.own.Wait(ctx, address+" "+pool)
	}
	wait, err := g.fleet.Reserve(ctx, g.rate, left(ctx), address, pool)
	if errors.Is(err, cache.ErrFleet) && ctx.Err() == nil {
		return g.own.Wait(ctx, address+" "+pool)
	}
	if err != nil || wait == 0 {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// left is how long a request may wait.
func left(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return max(0, time.Until(deadline))
}
