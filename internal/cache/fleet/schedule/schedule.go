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

// The schedule is one sorted set. A member names an entry and where its renewal request
// stands; its score is when its renewal comes up, in milliseconds of Redis's clock.
// A whole score is an appointment. One that ends in a half is a claim, and when it
// lapses: the member comes up again then, should whoever claimed it have died. One
// that ends in a quarter is a claim whose entry was reported again meanwhile: it
// lapses all the same, so that the report is not lost to what the claimer decides.
const scheduleLife = fence.EpochLife

// scheduledAtOnce bounds the members of one script.
const scheduledAtOnce = 256

// scheduleRenewal has members come up at those times, or earlier where they do
// already. ARGV: the set's life, then members with times.
var scheduleRenewal = redisconn.NewScript(`
for i = 2, #ARGV, 2 do
  local at, stands = tonumber(ARGV[i + 1]), tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or nil)
  local part = (stands or 0) % 1
  if part == 0.5 then
    redis.call('ZADD', KEYS[1], string.format('%.2f', stands - 0.25), ARGV[i])
  elseif part == 0 and (not stands or at < stands) then
    redis.call('ZADD', KEYS[1], at, ARGV[i])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0
`)

// claimRenewals claims members that have come up, first come first. ARGV: how many
// at most, how long the claims last, what is added to the clock. Returns how many
// members there are, how long the first has been up, the claims' mark, and the
// members with the times at which they came up.
var claimRenewals = redisconn.NewScript(`
now = now + ARGV[3]
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or now
local mark = string.format('%.1f', now + ARGV[2] + 0.5)
local answer = {redis.call('ZCARD', KEYS[1]), math.floor(math.max(0, now - first)), mark}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #due, 2 do
  redis.call('ZADD', KEYS[1], 'XX', mark, due[i])
  answer[#answer + 1] = due[i]
  answer[#answer + 1] = due[i + 1]
end
return answer
`)

// settleClaim ends a claim that still stands. ARGV: the member, the claim's mark,
// when the member comes up next, or nothing for never.
var settleClaim = redisconn.NewScript(`
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or nil) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('ZADD', KEYS[1], 'XX', ARGV[3], ARGV[1])
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

// dueRenewal is when a member of the schedule comes up.
type dueRenewal struct {
	id string
	at time.Time
}

// scheduleRenewals puts appointments into the schedule.
func (s *Schedule) scheduleRenewals(ctx context.Context, due []dueRenewal) error {
	for some := range slices.Chunk(due, scheduledAtOnce) {
		args := []any{scheduleLife.Milliseconds()}
		for _, a := range some {
			args = append(args, a.id, a.at.UnixMilli())
		}
		if _, err := s.redis.At(ctx, scheduleRenewal, s.codec.Names.Shared("due"), args...); err != nil {
			return redisconn.Unavailable("schedule renewals", err)
		}
	}
	return nil
}

// ClaimRenewals claims up to n entries whose renewal has come up, 256 at most, for as long as
// that, and reads what is known of them. It fails with cache.ErrFleet; what was claimed comes
// up again when the claims lapse.
func (s *Schedule) ClaimRenewals(ctx context.Context, n int, lasting time.Duration) (cache.RenewalClaims, error) {
	cmd, err := s.redis.At(ctx, claimRenewals, s.codec.Names.Shared("due"), min(n, scheduledAtOnce), lasting.Milliseconds(), s.skew().Milliseconds())
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

// readRequests reads what is kept for the claimed entries, in one round trip. A member
// that names nothing is left without.
func (s *Schedule) readRequests(ctx context.Context, claims []cache.RenewalClaim) error {
	uses, blobs, names := make([]*redis.StringCmd, len(claims)), make([]*redis.StringCmd, len(claims)), make([]string, len(claims))
	_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range claims {
			used, field, name := s.codec.Names.NamesOfClaim(claims[i].ID)
			uses[i], blobs[i], names[i] = p.HGet(ctx, used, field), p.Get(ctx, name), name
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for i := range claims {
		claims[i].Usage, _ = codec.UnpackUsage(uses[i].Val(), "")
		blob, err := blobs[i].Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return err
		}
		m, ok := s.codec.OpenRequest(names[i], blob)
		if !ok {
			s.codec.OpenFailed()
			continue
		}
		claims[i].Request = m
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
	if _, err := s.redis.At(ctx, settleClaim, s.codec.Names.Shared("due"), c.ID, c.Token, next); err != nil {
		return redisconn.Unavailable("settle a claim", err)
	}
	return nil
}

// now is the time with the skew.
func (s *Schedule) now() time.Time { return time.Now().Add(s.skew()) }
