package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The schedule is two sorted sets of the ids of entries: due has when each comes up, claimed
// when the claim on it lapses, both in milliseconds of Redis's clock. An entry that is claimed
// is not due, unless its use was reported meanwhile: then it comes up again when the claim
// lapses, whatever the claimer decides, so that the report is not lost.
const scheduleLife = fence.EpochLife

// scheduledAtOnce bounds the ids of one script.
const scheduledAtOnce = 256

// scheduleRenewal has entries come up at those times, or earlier where they do
// already. KEYS: due, claimed. ARGV: the sets' life, then ids with times.
var scheduleRenewal = redisconn.NewScript(`
for i = 2, #ARGV, 2 do
  local due, claimed = redis.call('ZSCORE', KEYS[1], ARGV[i]), redis.call('ZSCORE', KEYS[2], ARGV[i])
  if claimed then
    redis.call('ZADD', KEYS[1], 'NX', claimed, ARGV[i])
  elseif not due or tonumber(ARGV[i + 1]) < tonumber(due) then
    redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0
`)

// claimRenewals claims entries that have come up, first come first. KEYS: due, claimed.
// ARGV: how many at most, how long the claims last, what is added to the clock, the sets'
// life. Returns how many entries are scheduled, how long the first has been up, the claims'
// token, and the entries with the times at which they came up.
var claimRenewals = redisconn.NewScript(`
now = now + ARGV[3]
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #lapsed, 2 do
  redis.call('ZADD', KEYS[1], 'NX', lapsed[i + 1], lapsed[i])
  redis.call('ZREM', KEYS[2], lapsed[i])
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or now
local token = string.format('%.0f', now + ARGV[2])
local length = redis.call('ZCARD', KEYS[1]) + redis.call('ZCARD', KEYS[2])
local answer = {length, math.floor(math.max(0, now - first)), token}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #due, 2 do
  redis.call('ZREM', KEYS[1], due[i])
  redis.call('ZADD', KEYS[2], token, due[i])
  answer[#answer + 1] = due[i]
  answer[#answer + 1] = due[i + 1]
end
if #due > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
return answer
`)

// settleClaim ends a claim that still stands. KEYS: due, claimed. ARGV: the id, the claim's
// token, when the entry comes up next, or nothing for never, and the sets' life.
var settleClaim = redisconn.NewScript(`
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or nil) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
`)

// Schedule is when entries are renewed, and with what. It is safe for concurrent use.
type Schedule struct {
	redis redisconn.Client
	codec *codec.Codec
	skew  func() time.Duration // added to Redis's clock; none but in tests
}

// New makes those of a fleet.
func New(c redisconn.Client, k *codec.Codec, skew func() time.Duration) *Schedule {
	return &Schedule{redis: c, codec: k, skew: skew}
}

// dueRenewal is when an entry, by its id in the schedule, comes up.
type dueRenewal struct {
	id string
	at time.Time
}

// scheduleRenewals puts entries into the schedule. It fails with cache.ErrFleet.
func (s *Schedule) scheduleRenewals(ctx context.Context, due []dueRenewal) error {
	for some := range slices.Chunk(due, scheduledAtOnce) {
		args := []any{scheduleLife.Milliseconds()}
		for _, a := range some {
			args = append(args, a.id, a.at.UnixMilli())
		}
		if _, err := s.redis.At(ctx, scheduleRenewal, s.keys(), args...); err != nil {
			return redisconn.Unavailable("schedule renewals", err)
		}
	}
	return nil
}

// ClaimRenewals claims up to n entries whose renewal has come up, 256 at most, for as long as
// lasting, and reads what is known of them. It fails with cache.ErrFleet; what was claimed comes
// up again when the claims lapse.
func (s *Schedule) ClaimRenewals(ctx context.Context, n int, lasting time.Duration) (cache.RenewalClaims, error) {
	cmd, err := s.redis.At(ctx, claimRenewals, s.keys(),
		min(n, scheduledAtOnce), lasting.Milliseconds(), s.skew().Milliseconds(), scheduleLife.Milliseconds())
	if err != nil {
		return cache.RenewalClaims{}, redisconn.Unavailable("claim renewals", err)
	}
	claims, err := readClaims(cmd)
	if err == nil && len(claims.Claimed) > 0 {
		err = s.readRequests(ctx, claims.Claimed)
	}
	if err != nil {
		return cache.RenewalClaims{}, redisconn.Unavailable("claim renewals", err)
	}
	return claims, nil
}

// readClaims reads the script's answer.
func readClaims(cmd *redis.Cmd) (cache.RenewalClaims, error) {
	answer, err := cmd.Slice()
	if err != nil || len(answer) < 3 || len(answer)%2 != 1 {
		return cache.RenewalClaims{}, errors.Join(err, errors.New("unexpected answer"))
	}
	length, _ := answer[0].(int64)
	overdue, _ := answer[1].(int64)
	mark, _ := answer[2].(string)
	claims := cache.RenewalClaims{Length: int(length), Overdue: time.Duration(overdue) * time.Millisecond}
	for i := 3; i < len(answer); i += 2 {
		member, _ := answer[i].(string)
		score, _ := answer[i+1].(string)
		due, err := strconv.ParseFloat(score, 64)
		if err != nil {
			return cache.RenewalClaims{}, fmt.Errorf("read a score: %w", err)
		}
		claims.Claimed = append(claims.Claimed, cache.RenewalClaim{ID: member, Token: mark, Due: time.UnixMilli(int64(due))})
	}
	return claims, nil
}

// readRequests reads what is kept for the claimed entries, in one round trip. An entry of
// which nothing is kept, or only what has lapsed, is left without.
func (s *Schedule) readRequests(ctx context.Context, claims []cache.RenewalClaim) error {
	usages, requests := make([]*redis.StringCmd, len(claims)), make([]*redis.StringCmd, len(claims))
	_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range claims {
			root, short := codec.OfSchedule(claims[i].ID)
			usages[i], requests[i] = p.HGet(ctx, root.Usages(), short), p.HGet(ctx, root.Requests(), short)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for i := range claims {
		claims[i].Usage, _ = codec.UnpackUsage(usages[i].Val(), "")
		blob, err := requests[i].Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return err
		}
		root, short := codec.OfSchedule(claims[i].ID)
		m, lapses, ok := s.codec.OpenRequest(root.Request(short), blob)
		if !ok {
			s.codec.OpenFailed()
			continue
		}
		if time.Now().Before(lapses) {
			claims[i].Request = m
		}
	}
	return nil
}

// SettleRenewal ends a claim: its entry comes up again then, or with a zero time never.
// A claim that has lapsed, or whose entry was reported again meanwhile, is left
// alone. It fails with cache.ErrFleet.
func (s *Schedule) SettleRenewal(ctx context.Context, c cache.RenewalClaim, at time.Time) error {
	next := ""
	if !at.IsZero() {
		next = strconv.FormatInt(at.UnixMilli(), 10)
	}
	if _, err := s.redis.At(ctx, settleClaim, s.keys(), c.ID, c.Token, next, scheduleLife.Milliseconds()); err != nil {
		return redisconn.Unavailable("settle a claim", err)
	}
	return nil
}

// keys are those of the two sets.
func (s *Schedule) keys() []string {
	return []string{s.codec.Names.Shared("due"), s.codec.Names.Shared("claimed")}
}

// now is the time with the skew.
func (s *Schedule) now() time.Time { return time.Now().Add(s.skew()) }
