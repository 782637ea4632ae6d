package fence

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The scopes that end later stand in a sorted set of the fleet, by when they are due, and beside it
// in a hash, sealed. The broker whose call it was ends them, and forgets them here; another one does
// where it died.
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

// takeOverDeferredEnds makes ends due anew that were due so long ago, and returns each as field and
// value. KEYS: the set, the hash. ARGV: how long ago, in milliseconds; how many at most.
var takeOverDeferredEnds = redisconn.NewScript(`
local taken = {}
for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now - ARGV[1], 'LIMIT', 0, ARGV[2])) do
  redis.call('ZADD', KEYS[1], now, field)
  taken[#taken + 1] = field
  taken[#taken + 1] = redis.call('HGET', KEYS[2], field) or ''
end
return taken
`)

// DeferredEnds are the scopes that end later. It is safe for concurrent use.
type DeferredEnds struct {
	redis redisconn.Client
	codec *codec.Codec
}

// NewDeferredEnds makes those of a fleet.
func NewDeferredEnds(c redisconn.Client, k *codec.Codec) *DeferredEnds {
	return &DeferredEnds{redis: c, codec: k}
}

// PutDeferredEnds notes for the fleet that scopes are to end in so long; those that are noted
// already are put off. Of more than 10,000 it notes none. It fails with cache.ErrFleet.
func (d *DeferredEnds) PutDeferredEnds(ctx context.Context, ends []cache.DeferredEnd, in time.Duration) error {
	args := []any{maxDeferredEnds, deferredEndsLife.Milliseconds(), in.Milliseconds()}
	for _, end := range ends {
		field, value := d.codec.PackDeferredEnd(end)
		args = append(args, field, value)
	}
	if _, err := d.redis.At(ctx, putDeferredEnds, d.keys(), args...); err != nil {
		return redisconn.Unavailable("note what ends later", err)
	}
	return nil
}

// dueSoon is how much earlier than by Redis's clock an end may come by a broker's.
const dueSoon = time.Second

// DropDeferredEnds forgets those of the scopes that were due: they have ended. It fails with
// cache.ErrFleet.
func (d *DeferredEnds) DropDeferredEnds(ctx context.Context, scopes []cache.Scope) error {
	args := []any{dueSoon.Milliseconds()}
	for _, scope := range scopes {
		args = append(args, d.codec.Names.DeferredEnd(scope))
	}
	if _, err := d.redis.At(ctx, dropDeferredEnds, d.keys(), args...); err != nil {
		return redisconn.Unavailable("forget what ended", err)
	}
	return nil
}

// TakeOverDeferredEnds are scopes that were due so long ago and that no broker has ended or put off
// since, some of them; this broker ends them now. It fails with cache.ErrFleet.
func (d *DeferredEnds) TakeOverDeferredEnds(ctx context.Context, late time.Duration) ([]cache.DeferredEnd, error) {
	cmd, err := d.redis.At(ctx, takeOverDeferredEnds, d.keys(), late.Milliseconds(), deferredEndsAtOnce)
	if err != nil {
		return nil, redisconn.Unavailable("read what ends later", err)
	}
	all, err := cmd.StringSlice()
	if err != nil {
		return nil, redisconn.Unavailable("read what ends later", err)
	}
	var ends []cache.DeferredEnd
	for i := 0; i+1 < len(all); i += 2 {
		end, err := d.codec.UnpackDeferredEnd(all[i], all[i+1])
		if err != nil {
			d.codec.OpenFailed()
			continue
		}
		ends = append(ends, end)
	}
	return ends, nil
}

// keys are those of the set and of the hash.
func (d *DeferredEnds) keys() []string {
	return []string{d.codec.Names.Shared("due"), d.codec.Names.Shared("deferred")}
}
