package fleet

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// epochLife is how long an unused epoch is kept: longer than the longest entry,
// whose epochs are given this life again when it is stored.
const epochLife = 48 * time.Hour

// A scope's epoch is a string: 16 random bytes, 16 of the replication id in which it was made
// and, while fences are open, a record of 24 for each: its random id, and the deadline
// at which it lapses, in milliseconds of Redis's clock. Whoever reads more than 32
// bytes reads a pending epoch. A record whose deadline is 0 is of no fence: in place of the
// id it has the epoch that stood before the fences that are open, 16 zero bytes where none
// did, and the scope returns to it when all of them are cancelled. It is dropped when one
// ends otherwise, or lapses. A server that took over, or that read an old state back
// from its disk, may not know of a fence: what was not made in its own replication id is no
// epoch of its own. Only the scripts below write one.
const (
	replicationIDSize = 16
	epochSize         = 16 + replicationIDSize
)

// presentEpochScript tells the server's replication id, and the epoch that a value spells: the empty
// string for none, a pending one, or one of another replication id.
const presentEpochScript = replicationIDScript + `
local function present(v)
  if v and #v == 32 and string.sub(v, 17) == reign then return string.sub(v, 1, 16) end
  return ''
end
`

// parseFences keeps, of the value v, the records of fences that have not lapsed and
// are not the one given; own tells whether that was among them. former is the record of
// the epoch to return to, empty where there is none.
const parseFences = `
local kept, own, former, lapsed = {}, false, '', false
for i = 33, #v, 24 do
  local record = string.sub(v, i, i + 23)
  local deadline = struct.unpack('>I8', string.sub(record, 17))
  if deadline == 0 then
    former = record
  elseif string.sub(record, 1, 16) == fence then
    own = true
  elseif deadline > now then
    kept[#kept + 1] = record
  else
    lapsed = true
  end
end
local others = table.concat(kept)
if lapsed or string.sub(v, 17, 32) ~= reign then former = '' end
`

// forgetRequests deletes what a scope's entries are renewed with: their epoch has passed. Of
// more uses than brokers note the renewal request is left to lapse; it renews nothing under a new
// epoch.
var forgetRequests = fmt.Sprintf(`
local function forgetUses()
  local root = string.sub(KEYS[1], 1, -2)
  if redis.call('HLEN', root .. 'u') <= %d then
    for _, field in ipairs(redis.call('HKEYS', root .. 'u')) do redis.call('DEL', root .. 'm:' .. field) end
  end
  redis.call('DEL', root .. 'u')
end
`, 2*maxRequests)

// maxFences bounds the fences that are open around a scope at once: each lengthens its
// epoch until it ends, or lapses. A change that would begin one more is refused.
const maxFences = 256

// recordEnd notes when the last change of the scope ended, for answers that name the
// scope only when they are there (see quietEpoch).
const recordEnd = `redis.call('SET', KEYS[1] .. 'f', now, 'PX', 300000)
`

// pendingRecently is what openEpoch returns for an epoch that became pending a moment ago.
const pendingRecently = "f"

// openEpoch returns the epoch and the replication id, and makes an epoch where there is none or
// where all that made it pending has lapsed; a pending one is empty, or pendingRecently. ARGV: a
// new epoch, its life, and how long a fence lasts that began a moment ago.
var openEpoch = newScript(presentEpochScript + forgetRequests + `
local v, fence = redis.call('GET', KEYS[1]) or '', ''
` + parseFences + `
local epoch = present(v)
if epoch ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif others == '' then
  if #v > 0 then
    forgetUses()
    ` + recordEnd + `  end
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch .. reign, 'PX', ARGV[2])
elseif struct.unpack('>I8', string.sub(others, -8)) - now > tonumber(ARGV[3]) then
  epoch = '` + pendingRecently + `'
end
return epoch .. reign
`)

// beginFence makes the epoch pending. ARGV: a new epoch, its life, the fence's id, how
// long it lasts, and how many may be open. It fails where too many are.
var beginFence = newScript(presentEpochScript + `
local v, fence = redis.call('GET', KEYS[1]) or '', ARGV[3]
` + parseFences + `
if #kept >= tonumber(ARGV[5]) then return redis.error_reply('ERR too many fences') end
local before = present(v)
if #v == 0 then before = string.rep('\0', 16) end
if before ~= '' then former = before .. struct.pack('>I8', 0) end
redis.call('SET', KEYS[1], ARGV[1] .. reign .. former .. others .. fence .. struct.pack('>I8', now + ARGV[4]), 'PX', ARGV[2])
return 0
`)

// endFence ends a fence: the epoch becomes a new one, or where the fence was cancelled and
// so were all that overlapped it, what it was before; it is pending while others are open.
// ARGV: a new epoch, its life, the fence's id, the epoch it began, 1 where it is cancelled.
// Returns the epoch that stands there now, empty for a pending one, whether the fence was
// still known, and whether no other began since.
var endFence = newScript(presentEpochScript + forgetRequests + `
local v, fence = redis.call('GET', KEYS[1]) or '', ARGV[3]
` + parseFences + `
local cancelled = ARGV[5] == '1'
if not own and cancelled then return {present(v), 0, 0} end
local undisturbed = own and string.sub(v, 1, 16) == ARGV[4] and 1 or 0
local epoch = ARGV[1]
if cancelled and former ~= '' then
  epoch = string.sub(former, 1, 16)
  if others ~= '' then
    redis.call('SET', KEYS[1], ARGV[1] .. reign .. former .. others, 'PX', ARGV[2])
    return {'', 1, undisturbed}
  elseif epoch == string.rep('\0', 16) then
    redis.call('DEL', KEYS[1])
    return {'', 1, undisturbed}
  end
else
  forgetUses()
  ` + recordEnd + `end
redis.call('SET', KEYS[1], epoch .. reign .. others, 'PX', ARGV[2])
return {others == '' and epoch or '', own and 1 or 0, undisturbed}
`)

func random() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// parseEpoch is the epoch that a script or the reader tells; ok is false for none or a
// pending one.
func parseEpoch(value string) (epoch cache.Epoch, ok bool) {
	if len(value) != len(epoch) {
		return cache.Epoch{}, false
	}
	copy(epoch[:], value)
	return epoch, true
}

// stripEpochs makes of epochs that were read from a server what stable takes: of its own
// epochs the epoch, of any other nothing. process is the one that answered. Where the
// server is not confirmed, it fails.
func (c client) stripEpochs(ctx context.Context, from *redis.Client, keys []string, values [][]byte, process string) error {
	var reign string
	for i, key := range keys {
		if !isEpoch(key) {
			continue
		}
		v := values[i]
		if reign == "" && len(v) > 0 {
			known, err := c.confirmedMaster(ctx, from, func(b *confirmedMaster) bool { return b.runID == process })
			if err != nil {
				return err
			}
			reign = known.replicationID
		}
		if values[i] = nil; len(v) == epochSize && string(v[16:]) == reign {
			values[i] = v[:16]
		}
	}
	return nil
}

// confirmedMaster is what is confirmed of a server, if it is the one that is meant.
func (c client) confirmedMaster(ctx context.Context, from *redis.Client, meant func(*confirmedMaster) bool) (*confirmedMaster, error) {
	return c.hooks.of(from).confirmed(ctx, meant, func(ctx context.Context) error {
		_, _, err := c.runConfirmed(ctx, from, script{}, nil)
		return err
	})
}

// open reads the epochs of the scopes, and makes those that are missing. Pending ones are
// left out; fenced tells whether one of them became so a moment ago.
func (f *Fleet) open(ctx context.Context, scopes []cache.Scope) (epochs map[cache.Scope]cache.Epoch, fenced bool, err error) {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = f.names.epoch(scope)
	}
	values, err := f.opener.get(ctx, names)
	if err != nil {
		return nil, false, unavailable("open epochs", err)
	}
	epochs = make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, value := range values {
		if epoch, ok := parseEpoch(value); ok {
			epochs[scopes[i]] = epoch
		}
		fenced = fenced || value == pendingRecently
	}
	return epochs, fenced, nil
}

// recentFence is how long ago a fence began that most probably ends soon: longer than it takes
// to begin while a broker does not answer.
const recentFence = leaseLife + time.Second

// openTogether is open for the names of epochs that one server keeps; a fence that began a
// moment ago lasts longer than recent. Where the server is not confirmed, it fails.
func (c client) openTogether(ctx context.Context, from *redis.Client, names []string, recent time.Duration, r *reply) error {
	calls := make([]invocation, len(names))
	for i, name := range names {
		fresh := random()
		calls[i] = invocation{name, []any{fresh[:], epochLife.Milliseconds(), recent.Milliseconds()}}
	}
	results, err := openEpoch.run(ctx, from, calls)
	if err != nil {
		return err
	}
	for _, result := range results {
		text, err := result.Text()
		if err != nil {
			return err
		}
		at := max(0, len(text)-replicationIDSize)
		if _, err := c.confirmedMaster(ctx, from, func(b *confirmedMaster) bool { return b.replicationID == text[at:] }); err != nil {
			return err
		}
		r.values = append(r.values, []byte(text[:at]))
	}
	return nil
}

// scriptRunner is how a script is run on a server for some of the scopes.
type scriptRunner func(ctx context.Context, node *redis.Client, s script, calls []invocation) ([]*redis.Cmd, serverState, error)

// onEach runs a script for the epoch of each scope, on the servers that keep them. It
// tells the least of what the servers are: how long they have been so.
func (f *Fleet) onEach(ctx context.Context, by scriptRunner, s script, scopes []cache.Scope, args func(i int) []any) ([]*redis.Cmd, serverState, error) {
	calls := make([]invocation, len(scopes))
	keys := make([]string, len(scopes))
	for i, scope := range scopes {
		keys[i] = f.names.epoch(scope)
		calls[i] = invocation{key: keys[i], args: args(i)}
	}
	results, least, err := f.spread(ctx, by, s, keys, calls)
	if err != nil && moved(err) {
		f.redis.reload(ctx)
		results, least, err = f.spread(ctx, by, s, keys, calls)
	}
	if err != nil {
		return nil, serverState{}, unavailable("run a script", err)
	}
	return results, least, nil
}

func (f *Fleet) spread(ctx context.Context, by scriptRunner, s script, keys []string, calls []invocation) ([]*redis.Cmd, serverState, error) {
	nodes, err := f.redis.byNode(ctx, keys)
	if err != nil {
		return nil, serverState{}, err
	}
	results := make([]*redis.Cmd, len(calls))
	least := serverState{enoughFor: math.MaxInt64, losslessFor: math.MaxInt64}
	for node, places := range nodes {
		part := make([]invocation, len(places))
		for i, place := range places {
			part[i] = calls[place]
		}
		got, l, err := by(ctx, node, s, part)
		if err != nil {
			return nil, serverState{}, err
		}
		least.enoughFor, least.losslessFor = min(least.enoughFor, l.enoughFor), min(least.losslessFor, l.losslessFor)
		for i, place := range places {
			results[place] = got[i]
		}
	}
	return results, least, nil
}

// runOnly runs a script on one server, which is not looked at.
func runOnly(ctx context.Context, node *redis.Client, s script, calls []invocation) ([]*redis.Cmd, serverState, error) {
	results, err := s.run(ctx, node, calls)
	return results, serverState{}, err
}

// unavailable makes cache.ErrFleet of what Redis answered.
func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", cache.ErrFleet, what, err)
}
