package registry

import (
	"context"
	"strconv"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Rate is how often something may happen: once each Every, and Burst times at once.
type Rate struct {
	Every time.Duration
	Burst int
}

// takeSlot takes the next slot of a GCRA limiter, if it comes soon enough. The string holds when
// the whole burst is free again, in milliseconds. ARGV: between slots, the burst, the longest
// wait. Returns how long to wait as a number in text, in milliseconds; below zero where that is
// too long, and no slot was taken.
var takeSlot = redisconn.NewScript(`
local at = t[1] * 1000 + t[2] / 1000
local every, burst, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), at) + every
local wait = full - burst * every - at
if wait > longest then return string.format('%.3f', -wait) end
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - at) + 1000)
return string.format('%.3f', math.max(wait, 0))
`)

// Limiter limits how often something happens over the whole fleet, by the generic cell rate
// algorithm (GCRA). It is safe for concurrent use.
type Limiter struct {
	redis redisconn.Client
	codec *codec.Codec
}

// NewLimiter makes those of a fleet.
func NewLimiter(c redisconn.Client, k *codec.Codec) *Limiter {
	return &Limiter{redis: c, codec: k}
}

// Reserve takes the next slot of a name and returns how long to wait for it. It fails with
// cache.ErrLimited, and takes none, when that is longer than within; with cache.ErrFleet it is
// not known whether one was taken.
func (l *Limiter) Reserve(ctx context.Context, r Rate, within time.Duration, name ...string) (time.Duration, error) {
	key := l.codec.Names.Limit(name...)
	cmd, err := l.redis.At(ctx, takeSlot, []string{key}, milliseconds(r.Every), r.Burst, milliseconds(within))
	if err != nil {
		return 0, redisconn.Unavailable("take a turn", err)
	}
	text, err := cmd.Text()
	if err != nil {
		return 0, redisconn.Unavailable("take a turn", err)
	}
	wait, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, redisconn.Unavailable("take a turn", err)
	}
	if wait < 0 {
		return 0, &cache.Limited{Wait: time.Duration(-wait * float64(time.Millisecond))}
	}
	return time.Duration(wait * float64(time.Millisecond)), nil
}

// milliseconds spells a duration for Lua, with the part below one.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}
