package embedded

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// How retention of guests works: how often the unused are looked for, how many
// go in one write, and which part of the retention a noted use may be late by, so
// that a guest who comes often is not written each time.
const (
	sweepEvery  = time.Hour
	sweepAtOnce = 500
	useShare    = 8
)

// Run removes guests that were unused for their pool's retention, until ctx ends.
// Their credentials are over by then: retention is longer than any life.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		e.Sweep(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep removes the guests that are due now, and returns how many. What fails is
// tried at the next sweep.
func (e *Engine) Sweep(ctx context.Context) (removed int) {
	for _, p := range *e.pools.Load() {
		if p.GuestRetention <= 0 {
			continue
		}
		for n := sweepAtOnce; n == sweepAtOnce; {
			n = 0
			before := e.now().Add(-p.GuestRetention)
			err := e.update(ctx, func(tx *store.Tx) (err error) {
				n, err = tx.DropGuests(p.ID, before, sweepAtOnce)
				return err
			})
			if err != nil {
				break
			}
			removed += n
		}
	}
	return removed
}

// used notes that a guest came, where his pool wants to know.
func (e *Engine) used(ctx context.Context, p *rules.Pool, id string) error {
	if p.GuestRetention <= 0 {
		return nil
	}
	var last time.Time
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		last, err = tx.LastUse(id)
		return err
	})
	if err != nil || e.now().Sub(last) < p.GuestRetention/useShare {
		return err
	}
	return e.update(ctx, func(tx *store.Tx) error { return tx.Touch(id, e.now()) })
}
