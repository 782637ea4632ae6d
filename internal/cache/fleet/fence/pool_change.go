package fence

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The changes of pools that are under way, or whose outcome is not known, stand in one hash of the
// fleet. A field is the digest of the pool and the change's id; a value is the id of the broker
// that looks after it, and the pool and the text, sealed.
const (
	// poolChangesLife is how long they are kept when no broker looks after them: longer than any
	// entry, so that what they may have outdated is gone before them.
	poolChangesLife = 48 * time.Hour
)

// putPoolChange notes a change. ARGV: the field, the value, how many there may be, their
// life, how the fields of its pool begin, how many of those there may be. Returns 0 where
// there are too many.
var putPoolChange = redisconn.NewScript(`
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
  local left = tonumber(ARGV[6])
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, #ARGV[5]) == ARGV[5] then left = left - 1 end
  end
  if left <= 0 then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
`)

// replacePoolChange replaces what is noted of a change, if it is, and keeps the broker that looks
// after it. ARGV: the field, the sealed rest.
var replacePoolChange = redisconn.NewScript(`
local v = redis.call('HGET', KEYS[1], ARGV[1])
if not v then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], string.sub(v, 1, 32) .. ARGV[2])
`)

// dropPoolChange forgets a change. ARGV: the field.
var dropPoolChange = redisconn.NewScript(`return redis.call('HDEL', KEYS[1], ARGV[1])`)

// poolChangesOf are the changes whose field begins so, each as field and value. ARGV: how
// fields begin.
var poolChangesOf = redisconn.NewScript(`
local of = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, #ARGV[1]) == ARGV[1] then
    of[#of + 1] = field
    of[#of + 1] = redis.call('HGET', KEYS[1], field)
  end
end
return of
`)

// takeOverPoolChanges gives the caller the changes of brokers that have no lease any more, and
// returns each as field and value. While the set of leases is new, nobody is known to
// have none. KEYS: the changes, the leases. ARGV: the caller's id, how long a lapsed lease
// still counts, how long the set must have stood.
var takeOverPoolChanges = redisconn.NewStampedScript(`
local taken, all, since = {}, redis.call('HGETALL', KEYS[1]), redis.call('ZSCORE', KEYS[2], '@' .. replid)
if #all == 0 or not since or now + since < tonumber(ARGV[3]) then return taken end
for i = 1, #all, 2 do
  local by = string.sub(all[i + 1], 1, 32)
  if by ~= ARGV[1] and tonumber(redis.call('ZSCORE', KEYS[2], by) or 0) < now - ARGV[2] then
    local v = ARGV[1] .. string.sub(all[i + 1], 33)
    redis.call('HSET', KEYS[1], all[i], v)
    taken[#taken + 1] = all[i]
    taken[#taken + 1] = v
  end
end
return taken
`)

// PoolChanges are the changes of pools that are under way or of unknown outcome. It is safe
// for concurrent use.
type PoolChanges struct {
	redis    redisconn.Client
	codec    *codec.Codec
	brokerID string
}

// NewPoolChanges makes those of a fleet.
func NewPoolChanges(c redisconn.Client, k *codec.Codec, brokerID string) *PoolChanges {
	return &PoolChanges{redis: c, codec: k, brokerID: brokerID}
}

// PutPoolChange notes a change of a pool for the fleet, before it is made, or replaces what
// was noted of it; this broker looks after it. It fails with cache.ErrFleet, and with
// cache.ErrLimited where too many are noted, of all pools or of this one.
func (p *PoolChanges) PutPoolChange(ctx context.Context, d cache.PoolChange) error {
	field, rest := p.codec.PackPoolChange(d)
	cmd, _, err := p.redis.ConfirmedAt(ctx, putPoolChange, p.keys(), field, append([]byte(p.brokerID), rest...),
		cache.MaxPoolChanges, poolChangesLife.Milliseconds(), p.codec.Names.PoolChangePrefix(d.Pool), cache.MaxChangesOfPool)
	if err != nil {
		return redisconn.Unavailable("note a change", err)
	}
	if noted, err := cmd.Int(); err != nil || noted != 1 {
		return errors.Join(cache.ErrLimited, err)
	}
	return nil
}

// ReplacePoolChange replaces what is noted of a change, if it is noted. It fails with
// cache.ErrFleet.
func (p *PoolChanges) ReplacePoolChange(ctx context.Context, d cache.PoolChange) error {
	field, rest := p.codec.PackPoolChange(d)
	if _, _, err := p.redis.ConfirmedAt(ctx, replacePoolChange, p.keys(), field, rest); err != nil {
		return redisconn.Unavailable("note a change", err)
	}
	return nil
}

// DropPoolChange forgets a change. It fails with cache.ErrFleet.
func (p *PoolChanges) DropPoolChange(ctx context.Context, d cache.PoolChange) error {
	field, _ := p.codec.PackPoolChange(d)
	if _, err := p.redis.At(ctx, dropPoolChange, p.keys(), field); err != nil {
		return redisconn.Unavailable("forget a change", err)
	}
	return nil
}

// PoolChangesOf are the changes of a pool that are noted, by whichever broker. It fails with
// cache.ErrFleet.
func (p *PoolChanges) PoolChangesOf(ctx context.Context, pool string) ([]cache.PoolChange, error) {
	return p.readPoolChanges(ctx, poolChangesOf, p.codec.Names.PoolChangePrefix(pool))
}

// TakeOverPoolChanges are the changes of brokers that died and that no other broker looks after;
// this one does now. It fails with cache.ErrFleet.
func (p *PoolChanges) TakeOverPoolChanges(ctx context.Context) ([]cache.PoolChange, error) {
	return p.TakeOverLapsed(ctx, clockStep, leaseLife+clockStep)
}

// TakeOverLapsed is TakeOverPoolChanges for leases that lapsed longer ago than that, and where
// leases were kept for as long as stood.
func (p *PoolChanges) TakeOverLapsed(ctx context.Context, lapsed, stood time.Duration) ([]cache.PoolChange, error) {
	return p.readPoolChanges(ctx, takeOverPoolChanges, p.brokerID, lapsed.Milliseconds(), stood.Milliseconds())
}

// keys are those of the changes and of the leases.
func (p *PoolChanges) keys() []string {
	return []string{p.codec.Names.PoolChanges(), p.codec.Names.Shared("leases")}
}

func (p *PoolChanges) readPoolChanges(
	ctx context.Context, s redisconn.Script, args ...any,
) ([]cache.PoolChange, error) {
	cmd, err := p.redis.At(ctx, s, p.keys(), args...)
	if err != nil {
		return nil, redisconn.Unavailable("read changes", err)
	}
	all, err := cmd.StringSlice()
	if err != nil {
		return nil, redisconn.Unavailable("read changes", err)
	}
	var changes []cache.PoolChange
	for i := 0; i+1 < len(all); i += 2 {
		d, err := p.codec.UnpackPoolChange(all[i], all[i+1])
		if err != nil {
			p.codec.OpenFailed()
			continue
		}
		changes = append(changes, d)
	}
	return changes, nil
}
