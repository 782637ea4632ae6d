package fence

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// quietEpoch is openEpoch for a scope that nothing changed lately: it returns
// nothing where a change ended less than ARGV[3] milliseconds ago. That none did, the
// server knows only if it has evicted nothing since.
var quietEpoch = redisconn.NewScript(PresentEpochScript + `
local v = redis.call('GET', KEYS[1]) or ''
local epoch = present(v)
if epoch ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif #v == 0 then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch .. reign, 'PX', ARGV[2])
end
if now - (redis.call('GET', KEYS[1] .. 'f') or 0) < tonumber(ARGV[3]) then return '' end
return epoch
`)

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
	values, least, err := f.onEach(ctx, f.redis.RunAndProbe, quietEpoch, scopes, func(int) []any {
		fresh := codec.Random()
		return []any{fresh[:], EpochLife.Milliseconds(), (since + quietMargin).Milliseconds()}
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
			return cache.Stamp{}, redisconn.Unavailable("read settled epochs", err)
		}
		if epoch, ok := codec.ParseEpoch(text); ok {
			epochs[scopes[i]] = epoch
		}
	}
	return stamp.With(epochs), nil
}
