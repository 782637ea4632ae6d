package entry

import (
	"context"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The entries of a home stand in a sorted set beside its epoch, with when each was stored
// last (microseconds): a caller chooses the names of his classic sessions, and so can
// make any number of entries. What has expired since, or was dropped, may be in it.

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
if #old == size and string.sub(old, 11) == string.sub(ARGV[1], 11, size)
  and struct.unpack('>I8', string.sub(old, 3, 10)) >= struct.unpack('>I8', string.sub(ARGV[1], 3, 10)) then return {} end
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

// Find looks for the entry of a key. stamp is of its home, its pool and the logins that
// it is asked for with, and was read in this process before; all of them are read in
// one round trip. read stamps other scopes that the entry turns out to rest on, which
// cost another. Epochs that are missing are made; with sparing only if the pool has one,
// so that who names a pool that does not exist leaves nothing in Redis. It fails with
// cache.ErrFleet.
func (s *Entries) Find(
	ctx context.Context, key cache.Key, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp, sparing bool,
) (cache.Found, error) {
	scopes, _ := stamp.Shared()
	name := s.codec.Names.Root(scopes[0]).Entry(key)
	blob, epochs, err := s.read(ctx, name, scopes)
	if err != nil {
		return cache.Found{}, err
	}
	found := cache.Found{Stamp: stamp.With(epochs)}
	if blob != "" {
		found.Entry, found.Fenced, err = s.entry(ctx, name, blob, found.Stamp, read)
		if err != nil || found.Entry != nil {
			return found, err
		}
	}
	if len(epochs) < len(scopes) {
		if _, met := epochs[scopes[1]]; sparing && !met {
			found.Unmet = true
			return found, nil
		}
		var fenced bool
		if epochs, fenced, err = s.fences.Open(ctx, scopes); err != nil {
			return cache.Found{}, err
		}
		found.Stamp = stamp.With(epochs)
		found.Fenced = found.Fenced || blob != "" && fenced
	}
	return found, nil
}

// read reads an entry and the epochs of scopes in one round trip.
// Epochs that are pending or missing are left out.
func (s *Entries) read(ctx context.Context, name string, scopes []cache.Scope) (blob string, epochs map[cache.Scope]cache.Epoch, err error) {
	keys := []string{name}
	for _, scope := range scopes {
		keys = append(keys, s.codec.Names.Epoch(scope))
	}
	values, err := s.reader.Get(ctx, keys)
	if err != nil {
		return "", nil, redisconn.Unavailable("read an entry", err)
	}
	epochs = make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, s := range scopes {
		if epoch, ok := codec.ParseEpoch(values[1+i]); ok {
			epochs[s] = epoch
		}
	}
	return values[0], epochs, nil
}

// entry opens a blob if it was stamped with the present epochs, and nil otherwise; fenced
// tells that of a scope which stamp does not have a fence is open.
func (s *Entries) entry(
	ctx context.Context, name, blob string, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp,
) (entry *cache.Entry, fenced bool, err error) {
	h, ok := codec.ReadHeader(blob)
	if !ok {
		return nil, false, nil
	}
	scopes, present := stamp.Shared()
	if len(h.Epochs) < len(present) {
		return nil, false, nil
	}
	for i, epoch := range present {
		if epoch == (cache.Epoch{}) || h.Epochs[i] != epoch {
			return nil, false, nil
		}
	}
	size := codec.HeaderFixed + 16*len(h.Epochs)
	plain, err := s.codec.Seal.Open([]byte(blob[size:]), name+blob[:size])
	if err != nil {
		s.codec.OpenFailed()
		return nil, false, nil
	}
	entry, others, ok := codec.UnpackEntry(plain)
	if !ok || len(others) != len(h.Epochs)-2 {
		s.codec.OpenFailed()
		return nil, false, nil
	}
	n := len(scopes) - 2 // known before
	if n < 0 || n > len(others) || !slices.Equal(scopes[2:], others[:n]) {
		return nil, false, nil
	}
	if others = others[n:]; len(others) > 0 {
		also := read(others...)
		epochs, err := s.present(ctx, others)
		if err == nil && len(epochs) < len(others) {
			epochs, fenced, err = s.fences.Open(ctx, others) // pending, or there is none
		}
		if err != nil {
			return nil, false, err
		}
		all := true
		for i, scope := range others {
			epoch, known := epochs[scope]
			if known && epoch != h.Epochs[len(present)+i] {
				return nil, false, nil
			}
			all = all && known
		}
		if !all {
			return nil, fenced, nil
		}
		stamp = cache.JoinStamps(stamp, also.With(epochs))
	}
	entry.Stamp = stamp
	return entry, false, nil
}

// present reads the epochs of scopes; those that are pending or missing are left
// out.
func (s *Entries) present(ctx context.Context, scopes []cache.Scope) (map[cache.Scope]cache.Epoch, error) {
	keys := make([]string, len(scopes))
	for i, scope := range scopes {
		keys[i] = s.codec.Names.Epoch(scope)
	}
	values, err := s.reader.Get(ctx, keys)
	if err != nil {
		return nil, redisconn.Unavailable("read epochs", err)
	}
	epochs := make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, s := range scopes {
		if epoch, ok := codec.ParseEpoch(values[i]); ok {
			epochs[s] = epoch
		}
	}
	return epochs, nil
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
		blob, epochs[0][:], life.Milliseconds(), fence.EpochLife.Milliseconds(), size, codec.Short(key), cache.MaxEntries, maxDropped)
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
