package fence

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// EpochLife is how long an unused epoch is kept: longer than the longest entry,
// whose epochs are given this life again when it is stored.
const EpochLife = 48 * time.Hour

// PresentEpochScript tells the server's replication id, and the epoch that a value spells: the empty
// string for none, a pending one, or one of another replication id.
const PresentEpochScript = redisconn.ReplicationIDScript + `
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

// MaxRequests bounds the entries of one scope that are renewed ahead. An app chooses
// the names of its classic sessions, and so can make any number of entries.
const MaxRequests = 16

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
`, 2*MaxRequests)

// MaxFences bounds the fences that are open around a scope at once: each lengthens its
// epoch until it ends, or lapses. A change that would begin one more is refused.
const MaxFences = 256

// recordEnd notes when the last change of the scope ended, for answers that name the
// scope only when they are there (see quietEpoch).
const recordEnd = `redis.call('SET', KEYS[1] .. 'f', now, 'PX', 300000)
`

// pendingRecently is what openEpoch returns for an epoch that became pending a moment ago.
const pendingRecently = "f"

// openEpoch returns the epoch and the replication id, and makes an epoch where there is none or
// where all that made it pending has lapsed; a pending one is empty, or pendingRecently. ARGV: a
// new epoch, its life, and how long a fence lasts that began a moment ago.
var openEpoch = redisconn.NewScript(PresentEpochScript + forgetRequests + `
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
var beginFence = redisconn.NewScript(PresentEpochScript + `
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
var endFence = redisconn.NewScript(PresentEpochScript + forgetRequests + `
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

// Open reads the epochs of the scopes, and makes those that are missing. Pending ones are
// left out; fenced tells whether one of them became so a moment ago.
func (f *Fences) Open(ctx context.Context, scopes []cache.Scope) (epochs map[cache.Scope]cache.Epoch, fenced bool, err error) {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = f.codec.Names.Epoch(scope)
	}
	values, err := f.opener.Get(ctx, names)
	if err != nil {
		return nil, false, redisconn.Unavailable("open epochs", err)
	}
	epochs = make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, value := range values {
		if epoch, ok := codec.ParseEpoch(value); ok {
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
func (f *Fences) openTogether(ctx context.Context, from *redis.Client, names []string, recent time.Duration, r *redisconn.Reply) error {
	calls := make([]redisconn.Invocation, len(names))
	for i, name := range names {
		fresh := codec.Random()
		calls[i] = redisconn.Invocation{name, []any{fresh[:], EpochLife.Milliseconds(), recent.Milliseconds()}}
	}
	results, err := openEpoch.Run(ctx, from, calls)
	if err != nil {
		return err
	}
	for _, result := range results {
		text, err := result.Text()
		if err != nil {
			return err
		}
		at := max(0, len(text)-codec.ReplicationIDSize)
		if _, err := f.redis.ConfirmedMaster(ctx, from, func(b *redisconn.ConfirmedMaster) bool { return b.ReplicationID == text[at:] }); err != nil {
			return err
		}
		r.Values = append(r.Values, []byte(text[:at]))
	}
	return nil
}

// onEach runs a script for the epoch of each scope, on the servers that keep them. It
// tells the least of what the servers are: how long they have been so.
func (f *Fences) onEach(ctx context.Context, by redisconn.ScriptRunner, s redisconn.Script, scopes []cache.Scope, args func(i int) []any) ([]*redis.Cmd, redisconn.ServerState, error) {
	calls := make([]redisconn.Invocation, len(scopes))
	keys := make([]string, len(scopes))
	for i, scope := range scopes {
		keys[i] = f.codec.Names.Epoch(scope)
		calls[i] = redisconn.Invocation{Key: keys[i], Args: args(i)}
	}
	results, least, err := f.redis.Spread(ctx, by, s, keys, calls)
	if err != nil && redisconn.Moved(err) {
		f.redis.Reload(ctx)
		results, least, err = f.redis.Spread(ctx, by, s, keys, calls)
	}
	if err != nil {
		return nil, redisconn.ServerState{}, redisconn.Unavailable("run a script", err)
	}
	return results, least, nil
}

// Stamp adds to a stamp that was read in this process the epochs that the fleet
// has now. It fails with cache.ErrFleet.
func (f *Fences) Stamp(ctx context.Context, stamp cache.Stamp) (cache.Stamp, error) {
	scopes, _ := stamp.Shared()
	epochs, _, err := f.Open(ctx, scopes)
	return stamp.With(epochs), err
}
