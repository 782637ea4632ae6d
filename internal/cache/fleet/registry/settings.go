package registry

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// A record of settings is one text that all brokers of a kind share, sealed. Beside it stands, for a
// while, a mark that a broker goes by it.
const (
	settingsLife = 30 * 24 * time.Hour
	// SettingsInUseFor is how long a record counts as in use since it was written or kept last.
	SettingsInUseFor = 30 * time.Second
)

// SettingsRecord is what the fleet has of settings under a name.
type SettingsRecord struct {
	Text []byte // nil: nothing, or nothing that one of the keys opens
	// InUse says that some broker goes by it.
	InUse bool
	// OldKey says that it was sealed by a key that does not seal any more: write it again.
	OldKey bool

	raw string // as it stands in Redis
}

// readRecord returns the record, and whether a broker goes by it. KEYS: the record, the mark.
var readRecord = redisconn.NewScript(`
return {redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) and 1 or 0}
`)

// writeRecord writes a record in the place of one whose SHA-1 is known, and marks it as in use.
// KEYS: the record, the mark. ARGV: the digest, the record, or nothing to keep the one that
// stands there, its life, the mark's life. Returns whether it did.
var writeRecord = redisconn.NewScript(`
local stands = redis.call('GET', KEYS[1]) or ''
if redis.sha1hex(stands) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] == '' and stands or ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[4])
return 1
`)

// SettingsStore is what the fleet knows of the brokers' settings. It is safe for concurrent use.
type SettingsStore struct {
	redis redisconn.Client
	codec *codec.Codec
}

// NewSettingsStore makes those of a fleet.
func NewSettingsStore(c redisconn.Client, k *codec.Codec) *SettingsStore {
	return &SettingsStore{redis: c, codec: k}
}

// ReadSettings reads the record of that name. It fails with cache.ErrFleet, also where the
// server may have been replaced by another.
func (s *SettingsStore) ReadSettings(ctx context.Context, name string) (SettingsRecord, error) {
	key, mark := s.codec.Names.Settings(name)
	cmd, _, err := s.redis.ConfirmedAt(redisconn.BypassBreaker(ctx), readRecord, []string{key, mark})
	if err != nil {
		return SettingsRecord{}, redisconn.Unavailable("read a record", err)
	}
	answer, err := cmd.Slice()
	if err != nil || len(answer) != 2 {
		return SettingsRecord{}, redisconn.Unavailable("read a record", fmt.Errorf("unexpected answer: %w", err))
	}
	r := SettingsRecord{InUse: answer[1] == int64(1)}
	if r.raw, _ = answer[0].(string); r.raw == "" {
		return r, nil
	}
	if r.Text, err = s.codec.Seal.Open([]byte(r.raw), key); err != nil {
		s.codec.OpenFailed()
		r.Text = nil
	}
	r.OldKey = !s.codec.Seal.Last([]byte(r.raw))
	return r, nil
}

// ReplaceSettings puts next in the place of old, if that still stands. It returns what stands
// then, where that is next. It fails with cache.ErrFleet; the outcome is unknown then.
func (s *SettingsStore) ReplaceSettings(
	ctx context.Context, name string, old SettingsRecord, next []byte,
) (SettingsRecord, bool, error) {
	key, _ := s.codec.Names.Settings(name)
	sealed := string(s.codec.Seal.Seal(nil, next, key))
	ok, err := s.write(ctx, name, old, sealed)
	if err != nil || !ok {
		return SettingsRecord{}, false, err
	}
	return SettingsRecord{Text: next, InUse: true, raw: sealed}, true, nil
}

// KeepSettings says that a broker goes by the record, which lasts on, and reports whether that
// still stands. It fails with cache.ErrFleet.
func (s *SettingsStore) KeepSettings(ctx context.Context, name string, r SettingsRecord) (bool, error) {
	if r.raw == "" {
		return false, nil
	}
	return s.write(ctx, name, r, "")
}

func (s *SettingsStore) write(ctx context.Context, name string, old SettingsRecord, sealed string) (bool, error) {
	key, mark := s.codec.Names.Settings(name)
	stands := sha1.Sum([]byte(old.raw)) // what Redis's scripts can make; it guards against chance only
	cmd, _, err := s.redis.ConfirmedAt(redisconn.BypassBreaker(ctx), writeRecord, []string{key, mark},
		hex.EncodeToString(stands[:]), sealed, settingsLife.Milliseconds(), SettingsInUseFor.Milliseconds())
	if err != nil {
		return false, redisconn.Unavailable("write a record", err)
	}
	wrote, err := cmd.Bool()
	if err != nil {
		return false, redisconn.Unavailable("write a record", err)
	}
	return wrote, nil
}
