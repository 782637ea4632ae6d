package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// epochLife is how long an unused epoch is kept: longer than the longest entry,
// whose epochs are given this life again when it is stored.
const epochLife = 48 * time.Hour

// A scope's epoch is a string: 16 random bytes, 16 of the id of the server process
// that made it and, while fences are open, a record of 24 for each: its random id,
// and the deadline at which it lapses, in milliseconds of Redis's clock. Whoever
// reads more than 32 bytes reads a pending epoch. Another process, one that took
// over or that read an old state back from its disk, may not know of a fence: what
// it did not make itself is no epoch of its own. Only the scripts below write one.
const (
	runSize    = 16
	recordedAt = 16 + runSize
)

// ownEpoch tells the server's own id, and the epoch that a value spells: the empty
// string for none, a pending one, or one that another process made.
const ownEpoch = `
local run = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), 1, 16)
local function present(v)
  if v and #v == 32 and string.sub(v, 17) == run then return string.sub(v, 1, 16) end
  return ''
end
`

// keepOthers keeps, of the value v, the records of fences that have not lapsed and
// are not the one given; own tells whether that was among them.
const keepOthers = `
local others, own = '', false
for i = 33, #v, 24 do
  local id = string.sub(v, i, i + 15)
  if id == fence then
    own = true
  elseif struct.unpack('>I8', string.sub(v, i + 16, i + 23)) > now then
    others = others .. string.sub(v, i, i + 23)
  end
end
`

// ended notes when the last change of the scope ended, for answers that name the
// scope only when they are there (see settledEpoch).
const ended = `redis.call('SET', KEYS[1] .. 'f', now, 'PX', 300000)
`

// openEpoch returns the epoch, and makes one where there is none or where all that
// made it pending has lapsed; a pending one is empty. ARGV: a new epoch, its life.
var openEpoch = newScript(ownEpoch + `
local v, fence = redis.call('GET', KEYS[1]) or '', ''
` + keepOthers + `
local epoch = present(v)
if epoch ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif others == '' then
  if #v > 0 then ` + ended + ` end
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch .. run, 'PX', ARGV[2])
end
return epoch
`)

// beginFence makes the epoch pending, and deletes what the scope's entries are
// renewed with. ARGV: a new epoch, its life, the fence's id, how long it lasts, the
// hash of uses, and what precedes its fields in names of material. Returns the
// epoch that stood there before.
var beginFence = newScript(ownEpoch + `
local v, fence = redis.call('GET', KEYS[1]) or '', ARGV[3]
` + keepOthers + `
redis.call('SET', KEYS[1], ARGV[1] .. run .. others .. fence .. struct.pack('>I8', now + ARGV[4]), 'PX', ARGV[2])
for _, field in ipairs(redis.call('HKEYS', ARGV[5])) do redis.call('DEL', ARGV[6] .. field) end
redis.call('DEL', ARGV[5])
return present(v)
`)

// endFence makes a new epoch, pending while other fences are open. ARGV: a new
// epoch, its life, the fence's id, the epoch it began, 1 where nothing was changed,
// and then the epoch to return to, if that is known. Returns the epoch that stands
// there now, empty for a pending one, whether the fence was still known, and whether
// no other began since.
var endFence = newScript(ownEpoch + `
local v, fence = redis.call('GET', KEYS[1]) or '', ARGV[3]
` + keepOthers + `
if not own and ARGV[5] == '1' then return {present(v), 0, 0} end
local undisturbed = own and string.sub(v, 1, 16) == ARGV[4]
local epoch = ARGV[1]
if undisturbed and others == '' and #ARGV[6] == 16 then epoch = ARGV[6] end
redis.call('SET', KEYS[1], epoch .. run .. others, 'PX', ARGV[2])
if epoch ~= ARGV[5] then ` + ended + ` end
return {others == '' and epoch or '', own and 1 or 0, undisturbed and 1 or 0}
`)

func random() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// stable is the epoch that a script or the reader tells; ok is false for none or a
// pending one.
func stable(value string) (epoch cache.Epoch, ok bool) {
	if len(value) != len(epoch) {
		return cache.Epoch{}, false
	}
	copy(epoch[:], value)
	return epoch, true
}

// own makes of epochs that were read what stable takes: of a server's own epochs the
// epoch, of any other nothing. info is what INFO server said on the connection that
// they were read on; without it there are none.
func own(keys, values []string, info string) {
	run := runOf(info)
	for i, v := range values {
		if !isEpoch(keys[i]) {
			continue
		}
		if len(v) == recordedAt && run != "" && v[16:] == run {
			values[i] = v[:16]
		} else {
			values[i] = ""
		}
	}
}

// runOf is the beginning of a server process's id, which no two share.
func runOf(info string) string {
	_, rest, _ := strings.Cut(info, "run_id:")
	if len(rest) < runSize {
		return ""
	}
	return rest[:runSize]
}

// open reads the epochs of the scopes, and makes those that are missing. Pending
// ones are left out.
func (f *Fleet) open(ctx context.Context, scopes []cache.Scope) (map[cache.Scope]cache.Epoch, error) {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = f.names.epoch(scope)
	}
	values, err := f.opener.get(ctx, names)
	if err != nil {
		return nil, unavailable("open epochs", err)
	}
	epochs := make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, value := range values {
		if epoch, ok := stable(value); ok {
			epochs[scopes[i]] = epoch
		}
	}
	return epochs, nil
}

// openTogether is open for the names of epochs that one server keeps.
func openTogether(ctx context.Context, from redis.Cmdable, names []string) ([]string, error) {
	calls := make([]invocation, len(names))
	for i, name := range names {
		fresh := random()
		calls[i] = invocation{name, []any{fresh[:], epochLife.Milliseconds()}}
	}
	results, err := openEpoch.run(ctx, from, calls)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(names))
	for i, r := range results {
		if values[i], err = r.Text(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// onEach runs a script for the epoch of each scope, on the servers that keep them,
// and waits on each for a replica where confirm is wanted.
func (f *Fleet) onEach(ctx context.Context, s script, scopes []cache.Scope, args func(i int) []any) ([]*redis.Cmd, error) {
	return f.each(ctx, s, scopes, args, false)
}

func (f *Fleet) each(ctx context.Context, s script, scopes []cache.Scope, args func(i int) []any, confirm bool) ([]*redis.Cmd, error) {
	calls := make([]invocation, len(scopes))
	keys := make([]string, len(scopes))
	for i, scope := range scopes {
		keys[i] = f.names.epoch(scope)
		calls[i] = invocation{key: keys[i], args: args(i)}
	}
	results, err := f.spread(ctx, s, keys, calls, confirm)
	if err != nil && movedAway(err) {
		f.redis.reload(ctx)
		results, err = f.spread(ctx, s, keys, calls, confirm)
	}
	if err != nil {
		return nil, unavailable("run a script", err)
	}
	return results, nil
}

func (f *Fleet) spread(ctx context.Context, s script, keys []string, calls []invocation, confirm bool) ([]*redis.Cmd, error) {
	nodes, err := f.redis.byNode(ctx, keys)
	if err != nil {
		return nil, err
	}
	results := make([]*redis.Cmd, len(calls))
	for node, places := range nodes {
		part := make([]invocation, len(places))
		for i, place := range places {
			part[i] = calls[place]
		}
		got, err := runConfirmed(ctx, node, s, part, confirm)
		if err != nil {
			return nil, err
		}
		for i, place := range places {
			results[place] = got[i]
		}
	}
	return results, nil
}

// confirmWithin bounds the wait for a replica.
const confirmWithin = 300 * time.Millisecond

var errUnconfirmed = errors.New("no replica has confirmed the write")

// runConfirmed runs the script on one server. With confirm, and where the server
// has replicas, it succeeds only when one of them has what the script wrote: a
// replica that takes over must not bring back an epoch that was ended.
func runConfirmed(ctx context.Context, node *redis.Client, s script, calls []invocation, confirm bool) ([]*redis.Cmd, error) {
	if !confirm {
		return s.run(ctx, node, calls)
	}
	conn := node.Conn() // WAIT counts what its own connection wrote
	defer conn.Close()
	results, err := s.run(ctx, conn, calls)
	if err != nil {
		return nil, err
	}
	info, err := conn.Info(ctx, "replication").Result()
	if err != nil || replicas(info) == 0 {
		return results, err
	}
	n, err := conn.Wait(ctx, 1, confirmWithin).Result()
	if err == nil && n < 1 {
		err = errUnconfirmed
	}
	return results, err
}

// unavailable makes cache.ErrFleet of what Redis answered.
func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", cache.ErrFleet, what, err)
}
