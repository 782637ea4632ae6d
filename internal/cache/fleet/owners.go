package fleet

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// Whose a login is stands beside the login's epoch: a hash of the identities that
// answers told to be its owner, the last few of them. A field is a digest, a value
// the moment that it was told (milliseconds) and the sealed identity. It permits
// nothing; it says what a change that comes with the login may end.
const (
	// ownersLife is how long an owner is remembered: longer than any entry, for each
	// exchange tells the owner again.
	ownersLife = 48 * time.Hour
	// maxOwners is how many are remembered of one login. It has one at a time in each
	// pool.
	maxOwners = 16
)

// addOwner notes an owner and returns the login's epoch. ARGV: the field, the
// sealed identity, the life, how many are kept. A hash of far more is none that brokers
// made: it is left to lapse, for what is missing from it might be ended by nobody.
var addOwner = newScript(presentEpochScript + `
if redis.call('HLEN', KEYS[1]) > 2 * ARGV[4] then return redis.error_reply('ERR too many owners') end
redis.call('HSET', KEYS[1], ARGV[1], struct.pack('>I8', now) .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local all, owners = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do owners[#owners + 1] = {(struct.unpack('>I8', string.sub(all[i + 1], 1, 8))), all[i]} end
table.sort(owners, function(a, b) return a[1] < b[1] end)
for i = 1, #owners - ARGV[4] do redis.call('HDEL', KEYS[1], owners[i][2]) end
return present(redis.call('GET', string.sub(KEYS[1], 1, -2) .. 'v'))
`)

// owners names the hash of a login's owners. The script relies on its form.
func (n names) owners(login cache.Scope) string { return "b:{" + n.tag(login) + "}:o" }

// AddOwner notes that an answer told whose a login is. It returns the login's present
// epoch, zero for none or a pending one: where that is not the one of before the
// call, a change that concerns the login may not have heard of the owner. It fails
// with cache.ErrFleet.
func (f *Fleet) AddOwner(ctx context.Context, login cache.Scope, id string) (cache.Epoch, error) {
	key := f.names.owners(login)
	field := short(f.names.digest.Key("owner", id))
	sealed := f.seal.Seal(nil, []byte(id), key+field)
	cmd, err := f.at(ctx, addOwner, key, field, sealed, ownersLife.Milliseconds(), maxOwners)
	if err != nil {
		return cache.Epoch{}, unavailable("note an owner", err)
	}
	value, err := cmd.Text()
	if err != nil {
		return cache.Epoch{}, unavailable("note an owner", err)
	}
	epoch, _ := parseEpoch(value)
	return epoch, nil
}

// Owners are the identities that a login was told to belong to, in the order of the
// logins. It fails with cache.ErrFleet.
func (f *Fleet) Owners(ctx context.Context, logins ...cache.Scope) ([][]string, error) {
	hashes := make([]*redis.MapStringStringCmd, len(logins))
	_, err := f.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, login := range logins {
			hashes[i] = p.HGetAll(ctx, f.names.owners(login))
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("read owners", err)
	}
	owners := make([][]string, len(logins))
	for i, hash := range hashes {
		key := f.names.owners(logins[i])
		for field, value := range hash.Val() {
			id, err := f.owner(key, field, value)
			if err != nil {
				f.observe.OpenFailed()
				continue
			}
			owners[i] = append(owners[i], id)
		}
	}
	return owners, nil
}

// owner opens one owner of a login.
func (f *Fleet) owner(key, field, value string) (string, error) {
	if len(value) < 8 {
		return "", fmt.Errorf("%w: %d bytes", ErrSealed, len(value))
	}
	id, err := f.seal.Open([]byte(value[8:]), key+field)
	return string(id), err
}
