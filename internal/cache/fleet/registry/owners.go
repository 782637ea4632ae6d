package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The owners of a login stand beside its epoch: a hash of the identities that answers named, the
// last few of them. A field is a digest, a value when the answer came (milliseconds) and the
// sealed identity. It permits nothing; it says what a change that comes with the login may end.
const (
	// ownersLife is how long an owner is remembered: longer than any entry, for each exchange names
	// the owner again.
	ownersLife = 48 * time.Hour
	// maxOwners is how many are remembered of one login. It has one at a time in each
	// pool.
	maxOwners = 16
	// formerAfter is how long after an answer named an owner another answer, which names another
	// one in the same pool or none, says that the login has left it: longer than any answer takes
	// from the backend to here.
	formerAfter = 10 * time.Minute
)

// addOwner notes an owner and returns the login's epoch; former owners in its pool are forgotten.
// KEYS: the owners, the epoch. ARGV: the field, the sealed identity, the life, how many are kept,
// formerAfter, and how much of a field is its pool's. A hash of far more is none that brokers made:
// it is left to lapse, for no fence might end what is missing from it.
var addOwner = redisconn.NewStampedScript(fence.PresentEpochScript + `
if redis.call('HLEN', KEYS[1]) > 2 * ARGV[4] then return redis.error_reply('ERR too many owners') end
redis.call('HSET', KEYS[1], ARGV[1], struct.pack('>I8', now) .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local all, owners = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local field, told = all[i], struct.unpack('>I8', string.sub(all[i + 1], 1, 8))
  local rival = field ~= ARGV[1] and string.sub(field, 1, ARGV[6]) == string.sub(ARGV[1], 1, ARGV[6])
  if rival and now - told >= tonumber(ARGV[5]) then
    redis.call('HDEL', KEYS[1], field)
  else
    owners[#owners + 1] = {told, field}
  end
end
table.sort(owners, function(a, b) return a[1] < b[1] end)
for i = 1, #owners - ARGV[4] do redis.call('HDEL', KEYS[1], owners[i][2]) end
return present(redis.call('GET', KEYS[2]))
`)

// dropOwner forgets an owner, unless it was noted lately. KEYS: the owners. ARGV: the field,
// formerAfter.
var dropOwner = redisconn.NewScript(`
local v = redis.call('HGET', KEYS[1], ARGV[1])
if v and now - struct.unpack('>I8', string.sub(v, 1, 8)) >= tonumber(ARGV[2]) then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
`)

// LoginOwners are the identities that logins belong to. It is safe for concurrent use.
type LoginOwners struct {
	redis redisconn.Client
	codec *codec.Codec
	// FormerAfter is formerAfter; set it before use.
	FormerAfter time.Duration
}

// NewLoginOwners makes those of a fleet.
func NewLoginOwners(c redisconn.Client, k *codec.Codec) *LoginOwners {
	return &LoginOwners{redis: c, codec: k, FormerAfter: formerAfter}
}

// DropOwner forgets an owner of a login of a pool that an answer just said is none, unless another
// answer named it within the last ten minutes. It fails with cache.ErrFleet.
func (o *LoginOwners) DropOwner(ctx context.Context, login cache.Scope, pool, id string) error {
	keys := []string{o.codec.Names.Owners(login)}
	_, err := o.redis.At(ctx, dropOwner, keys, o.codec.Names.Owner(pool, id), o.FormerAfter.Milliseconds())
	if err != nil {
		return redisconn.Unavailable("forget an owner", err)
	}
	return nil
}

// AddOwner notes that an answer named the owner of a login in a pool, and forgets owners in that pool
// that none has named for ten minutes. It returns the login's present
// epoch, zero for none or a pending one: where that is not the one of before the call, a change
// that concerns the login may not have heard of the owner. It fails with cache.ErrFleet.
func (o *LoginOwners) AddOwner(ctx context.Context, login cache.Scope, pool, id string) (cache.Epoch, error) {
	key := o.codec.Names.Owners(login)
	field := o.codec.Names.Owner(pool, id)
	sealed := o.codec.Seal.Seal(nil, []byte(id), key+field)
	keys := []string{key, o.codec.Names.Epoch(login)}
	cmd, err := o.redis.At(ctx, addOwner, keys,
		field, sealed, ownersLife.Milliseconds(), maxOwners, o.FormerAfter.Milliseconds(), codec.OwnerPool)
	if err != nil {
		return cache.Epoch{}, redisconn.Unavailable("note an owner", err)
	}
	value, err := cmd.Text()
	if err != nil {
		return cache.Epoch{}, redisconn.Unavailable("note an owner", err)
	}
	epoch, _ := codec.ParseEpoch(value)
	return epoch, nil
}

// Owners are the identities that answers named as a login's owners, in the order of the logins.
// It fails with cache.ErrFleet.
func (o *LoginOwners) Owners(ctx context.Context, logins ...cache.Scope) ([][]string, error) {
	hashes := make([]*redis.MapStringStringCmd, len(logins))
	_, err := o.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, login := range logins {
			hashes[i] = p.HGetAll(ctx, o.codec.Names.Owners(login))
		}
		return nil
	})
	if err != nil {
		return nil, redisconn.Unavailable("read owners", err)
	}
	owners := make([][]string, len(logins))
	for i, hash := range hashes {
		key := o.codec.Names.Owners(logins[i])
		for field, value := range hash.Val() {
			id, err := o.owner(key, field, value)
			if err != nil {
				o.codec.OpenFailed()
				continue
			}
			owners[i] = append(owners[i], id)
		}
	}
	return owners, nil
}

// owner opens one owner of a login.
func (o *LoginOwners) owner(key, field, value string) (string, error) {
	if len(value) < 8 {
		return "", fmt.Errorf("%w: %d bytes", codec.ErrSealed, len(value))
	}
	id, err := o.codec.Seal.Open([]byte(value[8:]), key+field)
	return string(id), err
}
