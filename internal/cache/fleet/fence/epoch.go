package fence

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

const (
	// recentFence is how long ago a fence began that probably ends soon: longer than it takes to
	// begin while a broker does not answer.
	recentFence = leaseLife + time.Second
	// maxQuiet is the longest quiet period that can be asked for.
	maxQuiet = 4 * time.Minute
	// quietMargin is added to a quiet period, for clocks that run apart or are set.
	quietMargin = 5 * time.Second
)

// Open reads the epochs of scopes, and makes those that are missing. Pending ones are
// left out; fenced tells whether one of them became so a moment ago. It fails with
// cache.ErrFleet.
func (f *Fences) Open(
	ctx context.Context, scopes []cache.Scope,
) (epochs map[cache.Scope]cache.Epoch, fenced bool, err error) {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = f.codec.Names.Epoch(scope)
	}
	values, err := f.opener.Get(ctx, names)
	if err != nil {
		return nil, false, redisconn.Unavailable("open epochs", err)
	}
	for _, value := range values {
		fenced = fenced || value == pendingRecently
	}
	return codec.ParseEpochs(scopes, values), fenced, nil
}

// openTogether is Open for the names of epochs that one server keeps. It fails where that
// server is not confirmed.
func (f *Fences) openTogether(ctx context.Context, from *redis.Client, names []string, r *redisconn.Reply) error {
	calls := make([]redisconn.Call, len(names))
	for i, name := range names {
		calls[i] = f.openCall(codec.RootOfEpoch(name), 0)
	}
	results, id, err := f.redis.RunStamped(ctx, from, openEpoch, calls)
	if err != nil {
		return err
	}
	if _, err := f.redis.ConfirmedMaster(ctx, from, id); err != nil {
		return err
	}
	for _, result := range results {
		text, err := result.Text()
		if err != nil {
			return err
		}
		r.Values = append(r.Values, []byte(text))
	}
	return nil
}

// openCall calls openEpoch for a scope in which nothing may have changed for as long as quiet.
func (f *Fences) openCall(r codec.Root, quiet time.Duration) redisconn.Call {
	fresh := codec.Random()
	recent := f.fenceLife - recentFence // what a fence still lasts that began a moment ago
	return redisconn.Call{Keys: scopeKeys(r), Args: []any{
		fresh[:], EpochLife.Milliseconds(), recent.Milliseconds(), quiet.Milliseconds(),
	}}
}

// Stamp adds to a stamp that was read in this process the epochs that the fleet has now. It
// fails with cache.ErrFleet.
func (f *Fences) Stamp(ctx context.Context, stamp cache.Stamp) (cache.Stamp, error) {
	scopes, _ := stamp.Shared()
	epochs, _, err := f.Open(ctx, scopes)
	return stamp.With(epochs), err
}

// StampQuiet is Stamp for scopes of which no change ended since that long ago: what a call
// brought that began then may be kept under them, although nobody knew its scope before. The
// epochs of others are left out, and of all where it cannot be known. It fails with
// cache.ErrFleet.
func (f *Fences) StampQuiet(ctx context.Context, stamp cache.Stamp, since time.Duration) (cache.Stamp, error) {
	if since > maxQuiet {
		return cache.Stamp{}, nil
	}
	since += quietMargin
	scopes, _ := stamp.Shared()
	calls := make([]redisconn.Call, len(scopes))
	for i, scope := range scopes {
		calls[i] = f.openCall(f.codec.Names.Root(scope), since)
	}
	results, least, err := f.redis.Spread(ctx, f.redis.RunLossless, openEpoch, calls)
	if err != nil {
		return cache.Stamp{}, redisconn.Unavailable("read epochs", err)
	}
	if least.LosslessFor < since {
		return cache.Stamp{}, nil // the server may have evicted that a change ended
	}
	values := make([]string, len(results))
	for i, result := range results {
		if values[i], err = result.Text(); err != nil {
			return cache.Stamp{}, redisconn.Unavailable("read epochs", err)
		}
	}
	return stamp.With(codec.ParseEpochs(scopes, values)), nil
}
