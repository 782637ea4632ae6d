package fleet

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// settledEpoch is openEpoch for a scope that nothing changed lately: it returns
// nothing where a change ended less than ARGV[3] milliseconds ago. That none did, the
// server knows only if it has evicted nothing since.
var settledEpoch = newScript(ownEpoch + `
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
	// settledWithin is the longest that can be looked back.
	settledWithin = 4 * time.Minute
	// settledMargin is for clocks that run apart or are set.
	settledMargin = 5 * time.Second
)

// Settled adds to a stamp, as Stamp does, the epochs that the fleet has now, but only
// of scopes of which no change ended since that long ago: what a call brought that
// began then may be kept under them, although nobody knew its scope before. It fails
// with cache.ErrFleet.
func (f *Fleet) Settled(ctx context.Context, stamp cache.Stamp, since time.Duration) (cache.Stamp, error) {
	if since > settledWithin {
		return cache.Stamp{}, nil
	}
	scopes, _ := stamp.Shared()
	values, least, err := f.onEach(ctx, f.redis.runAndLook, settledEpoch, scopes, func(int) []any {
		fresh := random()
		return []any{fresh[:], epochLife.Milliseconds(), (since + settledMargin).Milliseconds()}
	})
	if err != nil {
		return cache.Stamp{}, err
	}
	if least.whole < since+settledMargin {
		return cache.Stamp{}, nil // that a change ended may have been evicted
	}
	epochs := make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, v := range values {
		text, err := v.Text()
		if err != nil {
			return cache.Stamp{}, unavailable("read settled epochs", err)
		}
		if epoch, ok := stable(text); ok {
			epochs[scopes[i]] = epoch
		}
	}
	return stamp.With(epochs), nil
}
