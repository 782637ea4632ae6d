package flows

import (
	"context"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// quietStamp is the stamp of the present epochs of scopes that a call which began then
// brought, and which nothing changed meanwhile; else one that never stands.
func (c *Config) quietStamp(
	ctx context.Context, watch *cache.InvalidationRecorder, began time.Time, scopes ...cache.Scope,
) cache.Stamp {
	stamp := c.Epochs.Read(scopes...)
	if c.Shared != nil {
		var err error
		if stamp, err = c.Shared.StampQuiet(ctx, stamp, time.Since(began)); err != nil {
			return cache.Stamp{}
		}
	}
	if slices.ContainsFunc(scopes, watch.Ended) {
		return cache.Stamp{}
	}
	return stamp
}

// presentStamp is the stamp of scopes' present epochs. Where the fleet cannot be
// reached, nothing can be kept under it.
func (c *Config) presentStamp(ctx context.Context, scopes ...cache.Scope) cache.Stamp {
	stamp := c.Epochs.Read(scopes...)
	if c.Shared == nil {
		return stamp
	}
	shared, err := c.Shared.Stamp(ctx, stamp)
	if err != nil {
		return stamp
	}
	return shared
}
