package fence

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The scopes that end later stand in a sorted set of the fleet, by when they are due, and beside it
// in a hash, sealed. Each field is of one broker, and of one of its calls or of none: so nobody
// else's call forgets it or puts it off. The broker whose call it was ends the scope, and forgets it
// here; another one does where it died.
const (
	// maxDeferredEnds is how many are kept. Of others their own broker alone knows.
	maxDeferredEnds = 10_000
	// deferredEndsLife is how long they are kept when no broker looks after them: longer than any
	// entry.
	deferredEndsLife = 48 * time.Hour
	// deferredEndsAtOnce is how many are taken over at once.
	deferredEndsAtOnce = 60
)

// putDeferredEnds notes ends, or puts them off. KEYS: the set, the hash. ARGV: how many there may
// be, their life, in how long they are due, and fields with their values.
var putDeferredEnds = redisconn.NewScript(`
for i = 4, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 or redis.call('HLEN', KEYS[2]) < tonumber(ARGV[1]) then
    redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`)

// dropDeferredEnds forgets ends that are due, or are in so many milliseconds. KEYS: the set, the
// hash. ARGV: the milliseconds, and fields.
var dropDeferredEnds = redisconn.NewScript(`
for i = 2, #ARGV do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0) <= now + ARGV[1] then
    redis.call('ZREM', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
return 1
`)

// takeOverDeferredEnds makes ends that were due so long ago those of another broker, due now, and
// returns each as field and value. What has no value is forgotten. KEYS: the set, the hash. ARGV: how
// long ago, in milliseconds; how many at most; what the broker's fields begin with.
var takeOverDeferredEnds = redisconn.NewScript(`
local taken = {}
for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now - ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local value = redis.call('HGET', KEYS[2], field)
  redis.call('ZREM', KEYS[1], field)
  redis.call('HDEL', KEYS[2], field)
  if value then
    local mine = ARGV[3] .. string.match(field, '[^:]*$')
    if tonumber(redis.call('ZSCORE', KEYS[1], mine) or 0) <= now then -- else it is due later, for other calls
      redis.call('ZADD', KEYS[1], now, mine)
    end
    redis.call('HSET', KEYS[2], mine, value)
    taken[#taken + 1] = mine
    taken[#taken + 1] = value
  end
end
return taken
`)

// DeferredEnds are the scopes that end later. It is safe for concurrent use.
type DeferredEnds struct {
	redis  redisconn.Client
	codec  *codec.Codec
	broker string
}

// NewDeferredEnds makes those of a fleet, of which this is one broker.
func NewDeferredEnds(c redisconn.Client, k *codec.Codec, broker string) *DeferredEnds {
	return &DeferredEnds{redis: c, codec: k, broker: broker}
}

// PutDeferredEnds notes for the fleet that scopes are to end in so long, on account of one call or,
// where call is empty, of several. Those of this broker that are noted for the same are put off. Of
// more than 10,000 it notes none. It fails with cache.ErrFleet.
func (d *DeferredEnds) PutDeferredEnds(
	ctx context.Context, call string, ends []cache.DeferredEnd, in time.Duration,
) error {
	args := []any{maxDeferredEnds, deferredEndsLife.Milliseconds(), in.Milliseconds()}
	for _, end := range ends {
		args = append(args, d.field(call, end.Scope), d.codec.PackDeferredEnd(end))
	}
	if _, err := d.redis.At(ctx, putDeferredEnds, d.keys(), args...); err != nil {
		return redisconn.Unavailable("note what ends later", err)
	}
	return nil
}

// dueSoon is how much earlier than by Redis's clock an end may come by a broker's.
const dueSoon = time.Second

// DropDeferredEnds forgets those of the scopes that this broker noted on account of a call, or, where
// call is empty, on account of several, and that were due: they have ended. It fails with
// cache.ErrFleet.
func (d *DeferredEnds) DropDeferredEnds(ctx context.Context, call string, scopes []cache.Scope) error {
	within := dueSoon
	if call != "" {
		within = deferredEndsLife // whenever it is due
	}
	args := []any{within.Milliseconds()}
	for _, scope := range scopes {
		args = append(args, d.field(call, scope))
	}
	if _, err := d.redis.At(ctx, dropDeferredEnds, d.keys(), args...); err != nil {
		return redisconn.Unavailable("forget what ended", err)
	}
	return nil
}

// TakeOverDeferredEnds are scopes that were due so long ago and that no broker has ended or put off
// since, some of them; this broker ends them now. It fails with cache.ErrFleet.
func (d *DeferredEnds) TakeOverDeferredEnds(ctx context.Context, late time.Duration) ([]cache.DeferredEnd, error) {
	cmd, err := d.redis.At(
		ctx, takeOverDeferredEnds, d.keys(), late.Milliseconds(), deferredEndsAtOnce, d.prefix(""),
	)
	if err != nil {
		return nil, redisconn.Unavailable("read what ends later", err)
	}
	all, err := cmd.StringSlice()
	if err != nil {
		return nil, redisconn.Unavailable("read what ends later", err)
	}
	var ends []cache.DeferredEnd
	for i := 0; i+1 < len(all); i += 2 {
		end, err := d.codec.UnpackDeferredEnd(all[i+1])
		if err != nil {
			d.codec.OpenFailed()
			continue
		}
		ends = append(ends, end)
	}
	return ends, nil
}

// field is that of a scope, on account of a call.
func (d *DeferredEnds) field(call string, scope cache.Scope) string {
	return d.prefix(call) + d.codec.Names.DeferredEnd(scope)
}

func (d *DeferredEnds) prefix(call string) string { return d.broker + ":" + call + ":" }

// keys are those of the set and of the hash.
func (d *DeferredEnds) keys() []string {
	return []string{d.codec.Names.Shared("deferred:due"), d.codec.Names.Shared("deferred")}
}
