package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// attended is a fleet's schedule, and how it is attended to.
type attended struct {
	flows.Schedule
	told     atomic.Int64 // hand-outs that the fleet was told of
	mu       sync.Mutex
	claimed  map[string]time.Time // claims under way, by their member
	renewals []time.Duration      // how long each took
	first    time.Time            // when the first of them was claimed
	last     time.Time            // when the last of them was settled
}

func (a *attended) ReportUsage(ctx context.Context, reports []cache.UsageReport) ([]cache.SharedUsage, error) {
	told, err := a.Schedule.ReportUsage(ctx, reports)
	if err == nil && !reports[0].Claimed {
		a.told.Add(int64(len(reports)))
	}
	return told, err
}

func (a *attended) ClaimRenewals(ctx context.Context, n int, lasting time.Duration) (cache.RenewalClaims, error) {
	now := time.Now()
	got, err := a.Schedule.ClaimRenewals(ctx, n, lasting)
	if err != nil {
		return got, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.first.IsZero() && len(got.Claimed) > 0 {
		a.first = now
	}
	for _, c := range got.Claimed {
		a.claimed[c.ID] = now
	}
	return got, nil
}

func (a *attended) SettleRenewal(ctx context.Context, c cache.RenewalClaim, at time.Time) error {
	err := a.Schedule.SettleRenewal(ctx, c, at)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = time.Now()
	a.renewals = append(a.renewals, a.last.Sub(a.claimed[c.ID]))
	return err
}

// reset forgets what was noted.
func (a *attended) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told.Store(0)
	a.claimed, a.renewals, a.first, a.last = map[string]time.Time{}, nil, time.Time{}, time.Time{}
}

// done is how many renewals were settled.
func (a *attended) done() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.renewals)
}
