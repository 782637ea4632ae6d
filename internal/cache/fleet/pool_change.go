package fleet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// The changes of pools that are under way or in doubt stand in one hash of the fleet.
// A field is the digest of the pool and the change's id; a value is the id of the broker
// that attends to it, and the rest, sealed: the pool and the text.
const (
	// poolChangesLife is how long they are kept when nobody attends to them: longer than any
	// entry, so that what they may have outdated is gone before them.
	poolChangesLife = 48 * time.Hour
	ownerSize       = 32 // hexadecimal
)

// putPoolChange notes a change. ARGV: the field, the value, how many there may be, their
// life, how the fields of its pool begin, how many of those there may be. Returns 0 where
// there are too many.
var putPoolChange = newScript(`
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

// replacePoolChange replaces what is noted of a change, if it is, and leaves whoever attends
// to it. ARGV: the field, the sealed rest.
var replacePoolChange = newScript(`
local v = redis.call('HGET', KEYS[1], ARGV[1])
if not v then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], string.sub(v, 1, 32) .. ARGV[2])
`)

// dropPoolChange forgets a change. ARGV: the field.
var dropPoolChange = newScript(`return redis.call('HDEL', KEYS[1], ARGV[1])`)

// poolChangesOf are the changes whose field begins so, each as field and value. ARGV: how
// fields begin.
var poolChangesOf = newScript(`
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
// returns each as field and value. While the table of leases is new, nobody is known to
// have none. ARGV: the caller's id, how long a lapsed lease still counts, how long the
// table must have stood.
var takeOverPoolChanges = newScript(replicationIDScript + `
local adopted, leases = {}, string.sub(KEYS[1], 1, -7) .. 'leases'
local all = redis.call('HGETALL', KEYS[1])
if #all == 0 or redis.call('HGET', leases, 'reign') ~= reign or
  now - redis.call('HGET', leases, 'since') < tonumber(ARGV[3]) then return adopted end
for i = 1, #all, 2 do
  local by = string.sub(all[i + 1], 1, 32)
  if by ~= ARGV[1] and tonumber(redis.call('HGET', leases, 'l:' .. by) or 0) < now - ARGV[2] then
    local v = ARGV[1] .. string.sub(all[i + 1], 33)
    redis.call('HSET', KEYS[1], all[i], v)
    adopted[#adopted + 1] = all[i]
    adopted[#adopted + 1] = v
  end
end
return adopted
`)

// doubts names the hash. A script relies on its form.
func (n names) poolChanges() string { return n.shared("doubts") }

// poolChangePrefix begins the fields of a pool's changes.
func (n names) poolChangePrefix(pool string) string { return short(n.digest.Key("doubt", pool)) + ":" }

// PutPoolChange notes a change of a pool for the fleet, before it is made, or replaces what
// was noted of it; this broker attends to it. It fails with cache.ErrFleet, and with
// cache.ErrLimited where too many are noted, of all pools or of this one.
func (f *Fleet) PutPoolChange(ctx context.Context, d cache.PoolChange) error {
	field, rest := f.packPoolChange(d)
	cmd, _, err := f.redis.confirmedAt(ctx, putPoolChange, f.names.poolChanges(), field, append([]byte(f.membership.id), rest...),
		cache.MaxPoolChanges, poolChangesLife.Milliseconds(), f.names.poolChangePrefix(d.Pool), cache.MaxChangesOfPool)
	if err != nil {
		return unavailable("note a change", err)
	}
	if noted, err := cmd.Int(); err != nil || noted != 1 {
		return errors.Join(cache.ErrLimited, err)
	}
	return nil
}

// ReplacePoolChange replaces what is noted of a change, if it is noted. It fails with
// cache.ErrFleet.
func (f *Fleet) ReplacePoolChange(ctx context.Context, d cache.PoolChange) error {
	field, rest := f.packPoolChange(d)
	if _, _, err := f.redis.confirmedAt(ctx, replacePoolChange, f.names.poolChanges(), field, rest); err != nil {
		return unavailable("note a change", err)
	}
	return nil
}

// DropPoolChange forgets a change. It fails with cache.ErrFleet.
func (f *Fleet) DropPoolChange(ctx context.Context, d cache.PoolChange) error {
	field, _ := f.packPoolChange(d)
	if _, err := f.at(ctx, dropPoolChange, f.names.poolChanges(), field); err != nil {
		return unavailable("forget a change", err)
	}
	return nil
}

// PoolChangesOf are the changes of a pool that are noted, by whichever broker. It fails with
// cache.ErrFleet.
func (f *Fleet) PoolChangesOf(ctx context.Context, pool string) ([]cache.PoolChange, error) {
	return f.readPoolChanges(ctx, poolChangesOf, f.names.poolChangePrefix(pool))
}

// TakeOverPoolChanges are the changes of brokers that died, as far as no other broker attends to
// them; this one does now. It fails with cache.ErrFleet.
func (f *Fleet) TakeOverPoolChanges(ctx context.Context) ([]cache.PoolChange, error) {
	return f.readPoolChanges(ctx, takeOverPoolChanges, f.membership.id, clockStep.Milliseconds(), (leaseLife + clockStep).Milliseconds())
}

func (f *Fleet) readPoolChanges(ctx context.Context, s script, args ...any) ([]cache.PoolChange, error) {
	cmd, err := f.at(ctx, s, f.names.poolChanges(), args...)
	if err != nil {
		return nil, unavailable("read changes", err)
	}
	all, err := cmd.StringSlice()
	if err != nil {
		return nil, unavailable("read changes", err)
	}
	var doubts []cache.PoolChange
	for i := 0; i+1 < len(all); i += 2 {
		d, err := f.unpackPoolChange(all[i], all[i+1])
		if err != nil {
			f.observe.OpenFailed()
			continue
		}
		doubts = append(doubts, d)
	}
	return doubts, nil
}

// packPoolChange spells the field of a change, and what its value is beside who attends to it.
func (f *Fleet) packPoolChange(d cache.PoolChange) (field string, rest []byte) {
	field = f.names.poolChangePrefix(d.Pool) + base64.RawURLEncoding.EncodeToString(d.ID[:])
	plain := append([]byte(d.Pool+"\x00"), d.Text...)
	return field, f.seal.Seal(nil, plain, f.names.poolChanges()+field)
}

func (f *Fleet) unpackPoolChange(field, value string) (d cache.PoolChange, err error) {
	if len(value) < ownerSize {
		return d, fmt.Errorf("%w: %d bytes", ErrSealed, len(value))
	}
	plain, err := f.seal.Open([]byte(value[ownerSize:]), f.names.poolChanges()+field)
	if err != nil {
		return d, err
	}
	_, spelt, _ := strings.Cut(field, ":")
	id, err := base64.RawURLEncoding.DecodeString(spelt)
	if err != nil || copy(d.ID[:], id) != len(d.ID) {
		return d, fmt.Errorf("%w: the id of a change", ErrSealed)
	}
	pool, text, _ := strings.Cut(string(plain), "\x00")
	d.Pool, d.Text = pool, []byte(text)
	return d, nil
}
