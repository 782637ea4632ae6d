package fleet

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// An entry in Redis is a header in clear and what is sealed. The header is a
// version, the number of epochs, when the entry expires (milliseconds), and the
// epochs that it was stamped with: first that of its home, whose tag its name
// carries, then its pool's, then those of logins and others. It is authenticated with
// the name.
const (
	entryVersion = 1
	headerFixed  = 2 + 8
	maxEpochs    = 16 // a call has ten logins at most
	// entryFixed is the length of what is sealed before the texts: two times and the
	// jitter.
	entryFixed = 3 * 8
)

// The entries of a home stand in a sorted set beside its epoch, with when each was stored
// last (microseconds): a caller chooses the names of his classic sessions, and so can
// make any number of entries. What has expired since, or was dropped, may be in it.

// maxDropped is how many entries are dropped to one that is stored: more than one, so that
// a set which an earlier broker let grow larger comes within the bound.
const maxDropped = 4

// storeEntry stores an entry while its home's epoch is the present one, unless one
// of the same epochs that expires later stands there. Where its home has too many, the
// oldest is dropped, with what it is renewed with. KEYS[1] is the entry's name.
// ARGV: the home's epoch's name, the entry, the epoch, the entry's life, an
// epoch's life, the length of the header, the entry's short name, what precedes it in
// names of entries and of renewal request, the hash of uses, the set of entries, how many
// there may be, how many are dropped. Returns whether it stored.
var storeEntry = newScript(presentEpochScript + `
if present(redis.call('GET', ARGV[1])) ~= ARGV[3] then return 0 end
local size = tonumber(ARGV[6])
local old = redis.call('GETRANGE', KEYS[1], 0, size - 1)
if #old == size and string.sub(old, 11) == string.sub(ARGV[2], 11, size)
  and struct.unpack('>I8', string.sub(old, 3, 10)) >= struct.unpack('>I8', string.sub(ARGV[2], 3, 10)) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
redis.call('PEXPIRE', ARGV[1], ARGV[5])
redis.call('ZADD', ARGV[11], t[1] * 1000000 + t[2], ARGV[7])
if redis.call('PTTL', ARGV[11]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', ARGV[11], ARGV[4]) end
local over = math.min(redis.call('ZCARD', ARGV[11]) - ARGV[12], tonumber(ARGV[13]))
if over > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', ARGV[11], 0, over - 1)) do
    redis.call('DEL', ARGV[8] .. oldest, ARGV[9] .. oldest)
    redis.call('HDEL', ARGV[10], oldest)
    redis.call('ZREM', ARGV[11], oldest)
  end
end
return 1
`)

// Find looks for the entry of a key. stamp is of its home, its pool and the logins that
// it is asked for with, and was read in this process before; all of them are read in
// one round trip. read stamps other scopes that the entry turns out to rest on, which
// cost another. Epochs that are missing are made; with sparing only if the pool has one,
// so that who names a pool that does not exist leaves nothing in Redis. It fails with
// cache.ErrFleet.
func (f *Fleet) Find(
	ctx context.Context, key cache.Key, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp, sparing bool,
) (cache.Found, error) {
	scopes, _ := stamp.Shared()
	name := f.names.named("c", scopes[0], key)
	blob, epochs, err := f.read(ctx, name, scopes)
	if err != nil {
		return cache.Found{}, err
	}
	found := cache.Found{Stamp: stamp.With(epochs)}
	if blob != "" {
		found.Entry, found.Fenced, err = f.entry(ctx, name, blob, found.Stamp, read)
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
		if epochs, fenced, err = f.open(ctx, scopes); err != nil {
			return cache.Found{}, err
		}
		found.Stamp = stamp.With(epochs)
		found.Fenced = found.Fenced || blob != "" && fenced
	}
	return found, nil
}

// read reads an entry and the epochs of scopes in one round trip.
// Epochs that are pending or missing are left out.
func (f *Fleet) read(ctx context.Context, name string, scopes []cache.Scope) (blob string, epochs map[cache.Scope]cache.Epoch, err error) {
	keys := []string{name}
	for _, s := range scopes {
		keys = append(keys, f.names.epoch(s))
	}
	values, err := f.reader.get(ctx, keys)
	if err != nil {
		return "", nil, unavailable("read an entry", err)
	}
	epochs = make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, s := range scopes {
		if epoch, ok := parseEpoch(values[1+i]); ok {
			epochs[s] = epoch
		}
	}
	return values[0], epochs, nil
}

// entry opens a blob if it was stamped with the present epochs, and nil otherwise; fenced
// tells that of a scope which stamp does not have a fence is open.
func (f *Fleet) entry(
	ctx context.Context, name, blob string, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp,
) (entry *cache.Entry, fenced bool, err error) {
	h, ok := readHeader(blob)
	if !ok {
		return nil, false, nil
	}
	scopes, present := stamp.Shared()
	if len(h.epochs) < len(present) {
		return nil, false, nil
	}
	for i, epoch := range present {
		if epoch == (cache.Epoch{}) || h.epochs[i] != epoch {
			return nil, false, nil
		}
	}
	size := headerFixed + 16*len(h.epochs)
	plain, err := f.seal.Open([]byte(blob[size:]), name+blob[:size])
	if err != nil {
		f.observe.OpenFailed()
		return nil, false, nil
	}
	entry, others, ok := unpackEntry(plain)
	if !ok || len(others) != len(h.epochs)-2 {
		f.observe.OpenFailed()
		return nil, false, nil
	}
	n := len(scopes) - 2 // known before
	if n < 0 || n > len(others) || !slices.Equal(scopes[2:], others[:n]) {
		return nil, false, nil
	}
	if others = others[n:]; len(others) > 0 {
		also := read(others...)
		epochs, err := f.present(ctx, others)
		if err == nil && len(epochs) < len(others) {
			epochs, fenced, err = f.open(ctx, others) // pending, or there is none
		}
		if err != nil {
			return nil, false, err
		}
		all := true
		for i, scope := range others {
			epoch, known := epochs[scope]
			if known && epoch != h.epochs[len(present)+i] {
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
func (f *Fleet) present(ctx context.Context, scopes []cache.Scope) (map[cache.Scope]cache.Epoch, error) {
	keys := make([]string, len(scopes))
	for i, s := range scopes {
		keys[i] = f.names.epoch(s)
	}
	values, err := f.reader.get(ctx, keys)
	if err != nil {
		return nil, unavailable("read epochs", err)
	}
	epochs := make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, s := range scopes {
		if epoch, ok := parseEpoch(values[i]); ok {
			epochs[s] = epoch
		}
	}
	return epochs, nil
}

// Stamp adds to a stamp that was read in this process the epochs that the fleet
// has now. It fails with cache.ErrFleet.
func (f *Fleet) Stamp(ctx context.Context, stamp cache.Stamp) (cache.Stamp, error) {
	scopes, _ := stamp.Shared()
	epochs, _, err := f.open(ctx, scopes)
	return stamp.With(epochs), err
}

// Store stores an entry for the fleet, if its stamp still stands; within one epoch
// the later expiry wins. The first scope of the stamp is the entry's home, the
// second its pool. Of more than cache.MaxEntries with one home, the oldest is dropped.
// It fails with cache.ErrFleet.
func (f *Fleet) Store(ctx context.Context, key cache.Key, e *cache.Entry) error {
	scopes, epochs := e.Stamp.Shared()
	life := time.Until(e.Credentials.Expires)
	if !e.Stamp.Stands() || len(scopes) < 2 || len(scopes) > maxEpochs || life < time.Millisecond {
		return nil
	}
	root := f.names.root(scopes[0])
	name := root.named("c", key)
	blob := appendHeader(nil, header{expires: e.Credentials.Expires, epochs: epochs})
	size := len(blob)
	blob = f.seal.Seal(blob, packEntry(e, scopes[2:]), name+string(blob))
	_, err := f.at(ctx, storeEntry, name, root.epoch(), blob, epochs[0][:], life.Milliseconds(), epochLife.Milliseconds(), size,
		short(key), root.prefix("c"), root.prefix("m"), root.usages(), root.entries(), cache.MaxEntries, maxDropped)
	if err != nil {
		return unavailable("store an entry", err)
	}
	return nil
}

// Drop removes the entry of a key whose home is that scope. It fails with
// cache.ErrFleet.
func (f *Fleet) Drop(ctx context.Context, key cache.Key, home cache.Scope) error {
	if err := f.redis.Del(ctx, f.names.named("c", home, key)).Err(); err != nil {
		return unavailable("drop an entry", err)
	}
	return nil
}

// header is what stands before a sealed entry.
type header struct {
	expires time.Time
	epochs  []cache.Epoch
}

func appendHeader(b []byte, h header) []byte {
	b = append(b, entryVersion, byte(len(h.epochs)))
	b = binary.BigEndian.AppendUint64(b, uint64(h.expires.UnixMilli()))
	for _, epoch := range h.epochs {
		b = append(b, epoch[:]...)
	}
	return b
}

func readHeader(blob string) (h header, ok bool) {
	if len(blob) < headerFixed || blob[0] != entryVersion || blob[1] > maxEpochs || len(blob) < headerFixed+16*int(blob[1]) {
		return header{}, false
	}
	h.expires = time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(blob[2:10]))))
	h.epochs = make([]cache.Epoch, blob[1])
	for i := range h.epochs {
		copy(h.epochs[i][:], blob[headerFixed+16*i:])
	}
	return h, true
}

// packEntry spells what of an entry is sealed.
func packEntry(e *cache.Entry, others []cache.Scope) []byte {
	c := &e.Credentials
	b := make([]byte, 0, entryFixed+40+len(c.IdentityID)+len(c.AccessKeyID)+len(c.SecretKey)+len(c.SessionToken))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Expires.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Issued.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(e.Jitter))
	return appendTexts(b, c.IdentityID, c.AccessKeyID, c.SecretKey, c.SessionToken, string(packScopes(others)))
}

// unpackEntry reads what packEntry spelt.
func unpackEntry(b []byte) (e *cache.Entry, others []cache.Scope, ok bool) {
	var g cache.EntryView
	jitter, spelt, ok := cutEntry(b, &g)
	if !ok {
		return nil, nil, false
	}
	e = &cache.Entry{Issued: g.Issued, Jitter: jitter, Credentials: cache.Credentials{
		IdentityID: string(g.IdentityID), AccessKeyID: string(g.AccessKeyID),
		SecretKey: string(g.SecretKey), SessionToken: string(g.SessionToken), Expires: g.Expires,
	}}
	others, err := unpackScopes(spelt)
	return e, others, err == nil
}

// cutEntry reads what packEntry spelt; its texts are parts of b.
func cutEntry(b []byte, g *cache.EntryView) (jitter float64, others []byte, ok bool) {
	if len(b) < entryFixed {
		return 0, nil, false
	}
	g.Expires = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	g.Issued = time.Unix(0, int64(binary.BigEndian.Uint64(b[8:])))
	jitter, b = math.Float64frombits(binary.BigEndian.Uint64(b[16:])), b[entryFixed:]
	for _, into := range [...]*[]byte{&g.IdentityID, &g.AccessKeyID, &g.SecretKey, &g.SessionToken, &others} {
		if *into, b, ok = cutText(b); !ok {
			return 0, nil, false
		}
	}
	return jitter, others, len(b) == 0
}
