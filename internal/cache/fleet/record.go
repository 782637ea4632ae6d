package fleet

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"time"
)

// A record is one text that all brokers of a kind share, sealed. Beside it stands,
// for a moment, that a broker goes by it.
const (
	recordLife = noteLife
	// RecordTended is how long a record counts as gone by since it was written or
	// tended last.
	RecordTended = 30 * time.Second
)

// Record is what the fleet has under a name.
type Record struct {
	Text []byte // nil: nothing, or nothing that one of the keys opens
	// Tended says that some broker goes by it.
	Tended bool
	// Former says that it was sealed by a key that seals no more: write it again.
	Former bool

	raw string // as it stands in Redis
}

// readRecord returns the record, and whether it is tended. ARGV: the name of the mark.
var readRecord = newScript(`
return {redis.call('GET', KEYS[1]) or '', redis.call('GET', ARGV[1]) and 1 or 0}
`)

// writeRecord writes a record where one stands whose SHA-1 is known, and marks it as
// tended. ARGV: the digest, the record, or nothing for the one that stands there, its
// life, the mark's name and life. Returns whether it did.
var writeRecord = newScript(`
local stands = redis.call('GET', KEYS[1]) or ''
if redis.sha1hex(stands) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] == '' and stands or ARGV[2], 'PX', ARGV[3])
redis.call('SET', ARGV[4], '1', 'PX', ARGV[5])
return 1
`)

func (n names) record(name string) (record, mark string) {
	return n.shared("settings:" + name), n.shared("tended:" + name)
}

// Record reads the record of that name. It fails with cache.ErrFleet, also where the
// server may have been replaced by another.
func (f *Fleet) Record(ctx context.Context, name string) (Record, error) {
	key, mark := f.names.record(name)
	cmd, _, err := f.redis.confirmedAt(urgent(ctx), readRecord, key, mark)
	if err != nil {
		return Record{}, unavailable("read a record", err)
	}
	answer, err := cmd.Slice()
	if err != nil || len(answer) != 2 {
		return Record{}, unavailable("read a record", fmt.Errorf("unexpected answer: %w", err))
	}
	r := Record{Tended: answer[1] == int64(1)}
	if r.raw, _ = answer[0].(string); r.raw == "" {
		return r, nil
	}
	if r.Text, err = f.seal.Open([]byte(r.raw), key); err != nil {
		f.observe.Sealed()
		r.Text = nil
	}
	r.Former = !f.seal.Last([]byte(r.raw))
	return r, nil
}

// Replace puts next in the place of old, if that still stands. It returns what stands
// then, where that is next. It fails with cache.ErrFleet; the outcome is unknown then.
func (f *Fleet) Replace(ctx context.Context, name string, old Record, next []byte) (Record, bool, error) {
	key, _ := f.names.record(name)
	sealed := string(f.seal.Seal(nil, next, key))
	ok, err := f.write(ctx, name, old, sealed)
	if err != nil || !ok {
		return Record{}, false, err
	}
	return Record{Text: next, Tended: true, raw: sealed}, true, nil
}

// Tend says that a broker goes by the record, which lasts on, and reports whether that
// still stands. It fails with cache.ErrFleet.
func (f *Fleet) Tend(ctx context.Context, name string, r Record) (bool, error) {
	if r.raw == "" {
		return false, nil
	}
	return f.write(ctx, name, r, "")
}

func (f *Fleet) write(ctx context.Context, name string, old Record, sealed string) (bool, error) {
	key, mark := f.names.record(name)
	stands := sha1.Sum([]byte(old.raw)) // what Redis's scripts can make; it guards against chance only
	cmd, _, err := f.redis.confirmedAt(urgent(ctx), writeRecord, key,
		hex.EncodeToString(stands[:]), sealed, recordLife.Milliseconds(), mark, RecordTended.Milliseconds())
	if err != nil {
		return false, unavailable("write a record", err)
	}
	wrote, err := cmd.Bool()
	if err != nil {
		return false, unavailable("write a record", err)
	}
	return wrote, nil
}
