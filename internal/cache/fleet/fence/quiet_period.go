package fence

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

const (
	// maxQuiet is the longest that can be looked back.
	maxQuiet = 4 * time.Minute
	// quietMargin is for clocks that run apart or are set.
	quietMargin = 5 * time.Second
)

// StampQuiet adds to a stamp, as Stamp does, the epochs that the fleet has now, but only
// of scopes of which no change ended since that long ago: what a call brought that
// began then may be kept under them, although nobody knew its scope before. It fails
// with cache.ErrFleet.
func (f *Fences) StampQuiet(ctx context.Context, stamp cache.Stamp, since time.Duration) (cache.Stamp, error) {
	if since > maxQuiet {
		return cache.Stamp{}, nil
	}
	scopes, _ := stamp.Shared()
	values, least, err := f.onEach(ctx, f.redis.RunLossless, openEpoch, scopes, func(int) []any {
		fresh := codec.Random()
		return []any{fresh[:], EpochLife.Milliseconds(), f.fenceLife.Milliseconds(), (since + quietMargin).Milliseconds()}
	})
	if err != nil {
		return cache.Stamp{}, err
	}
	if least.LosslessFor < since+quietMargin {
		return cache.Stamp{}, nil // that a change ended may have been evicted
	}
	epochs := make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, v := range values {
		text, err := v.Text()
		if err != nil {
			return cache.Stamp{}, redisconn.Unavailable("read epochs", err)
		}
		if epoch, ok := codec.ParseEpoch(text); ok {
			epochs[scopes[i]] = epoch
		}
	}
	return stamp.With(epochs), nil
}
