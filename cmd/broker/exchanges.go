package main

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/flows"
)

// exchanges limits how many exchanges a user or guest costs, over the whole fleet where
// there is one. While that cannot be asked there is no limit: nothing is kept then, and
// each request of anybody may be an exchange.
type exchanges struct {
	own   *cache.Rates
	names *cache.Namer
	rate  fleet.Rate
	fleet *fleet.Fleet // nil: this broker is alone
}

// exchangeNames bounds the users and guests that a broker counts.
const exchangeNames = 100_000

// limitExchanges sets the limit, where there is one. A broker that keeps nothing has
// none: each of its answers is an exchange.
func (b *broker) limitExchanges(fc *flows.Config, r config.Rate) error {
	if r.PerMinute == 0 || b.fleet == nil && b.memory.Off() {
		return nil
	}
	own, err := cache.NewRates(r.PerMinute, r.Burst, exchangeNames)
	if err != nil {
		return err
	}
	rate := fleet.Rate{Every: time.Minute / time.Duration(r.PerMinute), Burst: r.Burst}
	b.exchanges = &exchanges{own: own, names: fc.Names, rate: rate, fleet: b.fleet}
	fc.Exchanges = b.exchanges
	return nil
}

// Take takes a turn for whom the names name.
func (e *exchanges) Take(ctx context.Context, names ...string) error {
	if e.fleet == nil {
		name := e.names.Key("exchange", names...) // some are tokens, which are not kept
		return e.own.Take(string(name[:]))
	}
	_, err := e.fleet.Reserve(ctx, e.rate, 0, append([]string{"exchange"}, names...)...)
	if errors.Is(err, cache.ErrFleet) && ctx.Err() == nil {
		return nil
	}
	return err
}
