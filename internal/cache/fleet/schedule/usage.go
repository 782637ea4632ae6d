package schedule

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// maxRequests bounds the entries of one home scope that are renewed ahead. An app chooses
// the names of its classic sessions, and so can make any number of entries.
const maxRequests = 16

// reportUsage merges a broker's report of an entry's use into what is known, and keeps
// its renewal request unless what stands there lasts as long. That an entry was served again
// shows by the time, so a report that comes twice counts once. KEYS: the usages, the epoch,
// the renewal requests of the home scope. ARGV: the epoch, the field, the seven numbers, how
// long the entry lives, the renewal request or nothing, how long its header is and it lives,
// how many fields there may be, what is added to the clock. Returns the seven numbers as they
// stand now, and when the renewal request expires, as its header has it; nothing where the
// epoch has passed, and where there are too many.
var reportUsage = redisconn.NewStampedScript(fence.PresentEpochScript + `
if present(redis.call('GET', KEYS[2])) ~= ARGV[1] then return {} end
local real = now
now = now + ARGV[9]
local field, blob, size, most = ARGV[2], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[8])
local format = '>I8I8I8I8I8I8I8'
local issued, expires, n, last, asked, floor, hold = struct.unpack(format, ARGV[3])
local known = redis.call('HGET', KEYS[1], field)
if known then
  local i, e, m, l, a, f, h = struct.unpack(format, known)
  asked = math.max(asked, a)
  if i > issued then
    issued, expires, n, last, floor, hold, blob = i, e, m, l, f, h, ''
  elseif i == issued then
    if n > 0 and m > 0 and l ~= last then n = 2 end
    n, last, floor, hold = math.max(n, m), math.max(last, l), math.max(floor, f), math.max(hold, h)
  end
elseif redis.call('HLEN', KEYS[1]) > 2 * most then
  return {}
elseif redis.call('HLEN', KEYS[1]) >= most then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if struct.unpack('>I8', string.sub(all[i + 1], 9, 16)) <= now then
      redis.call('HDEL', KEYS[1], all[i])
      redis.call('HDEL', KEYS[3], all[i])
    end
  end
  if redis.call('HLEN', KEYS[1]) >= most then return {} end
end
local record = struct.pack(format, issued, expires, n, last, asked, floor, hold)
redis.call('HSET', KEYS[1], field, record)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
local function lapses(request) return struct.unpack('>I8', string.sub(request, 3, 10)) end
local stands = redis.call('HGET', KEYS[3], field) or ''
if #stands > 0 and lapses(stands) <= real then
  redis.call('HDEL', KEYS[3], field)
  stands = ''
end
local function same() return #stands >= size and string.sub(stands, 11, size) == string.sub(blob, 11, size) end
if #blob > 0 and (not same() or lapses(stands) < lapses(blob)) then
  redis.call('HSET', KEYS[3], field, blob)
  if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[7]) then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
  stands = blob
end
return {record, string.sub(stands, 3, 10)}
`)

// ReportUsage tells the fleet of the use of entries, and has their renewal scheduled for
// when it is due. The answers are in the order of the reports. It fails with
// cache.ErrFleet; a part may have arrived then, and all may be told again.
func (s *Schedule) ReportUsage(ctx context.Context, reports []cache.UsageReport) ([]cache.SharedUsage, error) {
	var (
		calls  []redisconn.Call
		places []int // of the calls among the reports
	)
	for i := range reports {
		if call, ok := s.usageCall(&reports[i]); ok {
			calls, places = append(calls, call), append(places, i)
		}
	}
	told := make([]cache.SharedUsage, len(reports))
	if len(calls) == 0 {
		return told, nil
	}
	results, _, err := s.redis.Spread(ctx, s.redis.Run, reportUsage, calls)
	if err != nil {
		return nil, redisconn.Unavailable("report use", err)
	}
	var due []dueRenewal
	for n, i := range places {
		told[i] = readSharedUsage(results[n])
		r := &reports[i]
		at := told[i].NextRenewal(r.Entry, r.Until)
		kept := !told[i].RequestExpires.IsZero() && told[i].Issued.UnixMilli() == r.Entry.Issued.UnixMilli()
		if r.Claimed || !kept || !at.Before(r.Entry.Credentials.Expires) {
			continue
		}
		home, _ := r.Entry.Stamp.Shared()
		due = append(due, dueRenewal{s.codec.Names.ScheduleID(home[0], r.Key), at})
	}
	return told, s.scheduleRenewals(ctx, due)
}

// usageCall is the call of the script for a report. ok is false where the entry is
// not one of the fleet's any more.
func (s *Schedule) usageCall(r *cache.UsageReport) (call redisconn.Call, ok bool) {
	scopes, epochs := r.Entry.Stamp.Shared()
	if len(scopes) < 2 || len(scopes) > codec.MaxEpochs || !r.Entry.Stamp.Stands() {
		return redisconn.Call{}, false
	}
	root := s.codec.Names.Root(scopes[0])
	now := s.now()
	life := r.Entry.Credentials.Expires.Sub(now)
	if life < time.Millisecond {
		return redisconn.Call{}, false
	}
	var blob []byte
	size, lasts := 0, time.Duration(0)
	if lapses := cache.RequestExpiry(r.Entry, r.Until); len(r.Call) > 0 && lapses.Sub(now) >= time.Millisecond {
		blob = codec.AppendHeader(nil, codec.Header{Expires: lapses, Epochs: epochs})
		size, lasts = len(blob), lapses.Sub(now)
		m := cache.RenewalRequest{Key: r.Key, Home: scopes[0], Pool: scopes[1], Call: r.Call, Until: r.Until}
		blob = s.codec.Seal.Seal(blob, codec.PackRequest(&m), root.Request(codec.Short(r.Key))+string(blob))
	}
	return redisconn.Call{
		Keys: []string{root.Usages(), root.Epoch(), root.Requests()},
		Args: []any{
			epochs[0][:], codec.Short(r.Key), codec.PackUsage(r), life.Milliseconds(), blob, size, lasts.Milliseconds(),
			maxRequests, s.skew().Milliseconds(),
		},
	}, true
}

// readSharedUsage reads the script's answer.
func readSharedUsage(cmd *redis.Cmd) cache.SharedUsage {
	answer, err := cmd.StringSlice()
	if err != nil || len(answer) != 2 {
		return cache.SharedUsage{}
	}
	told, _ := codec.UnpackUsage(answer[0], answer[1])
	return told
}
