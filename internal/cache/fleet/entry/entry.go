package entry

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The entries of a home scope stand in a sorted set beside its epoch, by when each was stored last
// (microseconds): a caller chooses the names of his classic sessions, and so can make any
// number of entries. Some in the set may have expired, or been dropped.

// maxDropped is how many entries are dropped for one that is stored: more than one, so that
// a set that grew larger comes within the bound.
const maxDropped = 4

// storeEntry stores an entry while its home scope's epoch is the present one, unless one
// of the same epochs that expires later stands there. KEYS: the entry, the epoch, the set of
// entries. ARGV: the entry, the epoch, the entry's life, an epoch's life, the length of the
// header, the entry's short key, how many entries there may be, how many may be dropped at
// once. Returns the short keys of the oldest where there are too many, for dropEntries.
var storeEntry = redisconn.NewStampedScript(fence.PresentEpochScript + `
if present(redis.call('GET', KEYS[2])) ~= ARGV[2] then return {} end
local size = tonumber(ARGV[5])
local old = redis.call('GETRANGE', KEYS[1], 0, size - 1)
local function expires(entry) return struct.unpack('>I8', string.sub(entry, 3, 10)) end
if #old == size and string.sub(old, 11) == string.sub(ARGV[1], 11, size)
  and expires(old) >= expires(ARGV[1]) then return {} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZADD', KEYS[3], t[1] * 1000000 + t[2], ARGV[6])
if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
local over = math.min(redis.call('ZCARD', KEYS[3]) - ARGV[7], tonumber(ARGV[8]))
if over <= 0 then return {} end
return redis.call('ZRANGE', KEYS[3], 0, over - 1)
`)

// dropEntries drops entries, with what they are renewed with. KEYS: the set of entries, the
// usages, the renewal requests, and the entries. ARGV: their short keys.
var dropEntries = redisconn.NewScript(`
for i = 1, #ARGV do
  redis.call('DEL', KEYS[3 + i])
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('HDEL', KEYS[3], ARGV[i])
  redis.call('ZREM', KEYS[1], ARGV[i])
end
return 0
`)

// Entries are the entries that the fleet keeps. It is safe for concurrent use.
type Entries struct {
	redis  redisconn.Client
	codec  *codec.Codec
	reader *pipeline.Reader
	fences *fence.Fences
}

// New makes those of a fleet.
func New(c redisconn.Client, k *codec.Codec, r *pipeline.Reader, f *fence.Fences) *Entries {
	return &Entries{redis: c, codec: k, reader: r, fences: f}
}

// Store stores an entry for the fleet, if its stamp still stands; within one epoch
// the later expiry wins. The first scope of the stamp is the entry's home, the
// second its pool. Of more than cache.MaxEntries with one home, the oldest is dropped.
// It fails with cache.ErrFleet.
func (s *Entries) Store(ctx context.Context, key cache.Key, e *cache.Entry) error {
	scopes, epochs := e.Stamp.Shared()
	life := time.Until(e.Credentials.Expires)
	if !e.Stamp.Stands() || len(scopes) < 2 || len(scopes) > codec.MaxEpochs || life < time.Millisecond {
		return nil
	}
	root := s.codec.Names.Root(scopes[0])
	name := root.Entry(key)
	blob := codec.AppendHeader(nil, codec.Header{Expires: e.Credentials.Expires, Epochs: epochs})
	size := len(blob)
	blob = s.codec.Seal.Seal(blob, codec.PackEntry(e, scopes[2:]), name+string(blob))
	cmd, err := s.redis.At(ctx, storeEntry, []string{name, root.Epoch(), root.Entries()},
		blob, epochs[0][:], life.Milliseconds(), fence.EpochLife.Milliseconds(), size, codec.Short(key),
		cache.MaxEntries, maxDropped)
	if err != nil {
		return redisconn.Unavailable("store an entry", err)
	}
	oldest, err := cmd.StringSlice()
	if err == nil && len(oldest) > 0 {
		err = s.dropOldest(ctx, root, oldest)
	}
	if err != nil {
		return redisconn.Unavailable("store an entry", err)
	}
	return nil
}

// dropOldest drops entries of a home scope that has too many, by their short keys.
func (s *Entries) dropOldest(ctx context.Context, root codec.Root, oldest []string) error {
	keys := []string{root.Entries(), root.Usages(), root.Requests()}
	args := make([]any, len(oldest))
	for i, short := range oldest {
		keys, args[i] = append(keys, root.EntryOf(short)), short
	}
	_, err := s.redis.At(ctx, dropEntries, keys, args...)
	return err
}

// Drop removes the entry of a key whose home is that scope. It fails with
// cache.ErrFleet.
func (s *Entries) Drop(ctx context.Context, key cache.Key, home cache.Scope) error {
	if err := s.redis.Del(ctx, s.codec.Names.Root(home).Entry(key)).Err(); err != nil {
		return redisconn.Unavailable("drop an entry", err)
	}
	return nil
}
