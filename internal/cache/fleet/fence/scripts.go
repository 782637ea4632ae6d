package fence

import (
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// EpochLife is how long an unused epoch is kept: longer than the longest entry,
// whose epochs are given this life again when it is stored.
const EpochLife = 48 * time.Hour

// PresentEpochScript gives stamped scripts present(v), the epoch that the value v spells: the
// empty string for none, for a pending one, and for one of another replication id.
const PresentEpochScript = `
local function present(v)
  if v and #v == 32 and string.sub(v, 17) == replid then return string.sub(v, 1, 16) end
  return ''
end
`

// The scripts below take the keys of one scope, as scopeKeys has them: KEYS[1] is the epoch,
// KEYS[2] when its last change ended, KEYS[3] the usages and KEYS[4] the renewal requests of
// its entries. A script may run twice with the same arguments.

// parseFences reads the value v: kept are the records of the fences that have not lapsed,
// without that of the id fence, and own tells whether that was among them. former is the
// record of the epoch to return to when all fences are cancelled; empty where there is none.
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
if lapsed or string.sub(v, 17, 32) ~= replid then former = '' end
`

// changed notes that a change of the scope ended now, and deletes what its entries are
// renewed with: their epoch has passed.
const changed = `
local function changed()
  redis.call('DEL', KEYS[3], KEYS[4])
  redis.call('SET', KEYS[2], now, 'PX', 300000)
end
`

// MaxFences bounds the fences that are open around a scope at once: each lengthens its
// epoch until it ends, or lapses. A change that would begin one more is refused.
const MaxFences = 256

// pendingRecently is what openEpoch returns for an epoch that became pending a moment ago.
const pendingRecently = "f"

// openEpoch returns the epoch, and makes one where there is none or where all that made it
// pending has lapsed. A new one is of random bytes and of the time, in microseconds: the
// command may be sent twice, and the first copy arrive after the epoch was lost. ARGV: random
// bytes, the epoch's life, how long a fence lasts that began a moment ago, and how long no change
// may have ended. Returns nothing for a pending epoch, or pendingRecently, and nothing where a
// change ended more lately than that.
var openEpoch = redisconn.NewStampedScript(PresentEpochScript + changed + `
local v, fence = redis.call('GET', KEYS[1]) or '', ''
` + parseFences + `
local epoch = present(v)
if epoch ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif others == '' then
  if #v > 0 then changed() end
  epoch = string.sub(ARGV[1], 1, 9) .. struct.pack('>I7', t[1] * 1000000 + t[2])
  redis.call('SET', KEYS[1], epoch .. replid, 'PX', ARGV[2])
elseif struct.unpack('>I8', string.sub(others, -8)) - now > tonumber(ARGV[3]) then
  epoch = '` + pendingRecently + `'
end
local quiet = tonumber(ARGV[4])
if quiet > 0 and now - (redis.call('GET', KEYS[2]) or 0) < quiet then return '' end
return epoch
`)

// beginFence makes the epoch pending. ARGV: a new epoch, its life, the fence's id, how
// long it lasts, and how many may be open. Returns the replication id. It fails where too many
// are.
var beginFence = redisconn.NewStampedScript(PresentEpochScript + `
local v, fence = redis.call('GET', KEYS[1]) or '', ARGV[3]
` + parseFences + `
if #kept >= tonumber(ARGV[5]) then return redis.error_reply('ERR too many fences') end
local before = present(v)
if #v == 0 then before = string.rep('\0', 16) end
if before ~= '' then former = before .. struct.pack('>I8', 0) end
local record = fence .. struct.pack('>I8', now + ARGV[4])
redis.call('SET', KEYS[1], ARGV[1] .. replid .. former .. others .. record, 'PX', ARGV[2])
return replid
`)

// endFence ends a fence: the epoch becomes a new one, or where the fence was cancelled and
// so were all that overlapped it, what it was before; it is pending while others are open.
// ARGV: a new epoch, its life, the fence's id, the epoch it began, 1 where it is cancelled.
// Returns the epoch that stands there now, empty for a pending one, whether the fence was
// still known, whether no other began since, and the replication id.
var endFence = redisconn.NewStampedScript(PresentEpochScript + changed + `
local v, fence = redis.call('GET', KEYS[1]) or '', ARGV[3]
` + parseFences + `
local cancelled = ARGV[5] == '1'
if not own and cancelled then return {present(v), 0, 0, replid} end
local undisturbed = own and string.sub(v, 1, 16) == ARGV[4] and 1 or 0
local epoch = ARGV[1]
if cancelled and former ~= '' then
  epoch = string.sub(former, 1, 16)
  if others ~= '' then
    redis.call('SET', KEYS[1], ARGV[1] .. replid .. former .. others, 'PX', ARGV[2])
    return {'', 1, undisturbed, replid}
  elseif epoch == string.rep('\0', 16) then
    redis.call('DEL', KEYS[1])
    return {'', 1, undisturbed, replid}
  end
else
  changed()
end
redis.call('SET', KEYS[1], epoch .. replid .. others, 'PX', ARGV[2])
return {others == '' and epoch or '', own and 1 or 0, undisturbed, replid}
`)

// scopeKeys are the keys of the scripts above.
func scopeKeys(r codec.Root) []string {
	return []string{r.Epoch(), r.Changed(), r.Usages(), r.Requests()}
}
