package fence

import (
	"context"
	"fmt"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"time"
)

const (
	// leaseLife is how long a broker's lease lasts in Redis.
	leaseLife = 2 * time.Second
	// leaseCounted is how long the broker itself counts it, from before it asked:
	// a margin for clocks that run apart.
	leaseCounted = 1900 * time.Millisecond
	// leaseEvery is how often it is renewed.
	leaseEvery = 500 * time.Millisecond
	// clockStep is how far Redis's clock may be set forward between a renewal and a
	// fence: holders are waited for that long after their lease.
	clockStep = time.Second
)

// The table of leases is a hash: "replication id" is that in which it was made and "since" when,
// "head" the id of the last announcement, and "l:<id>" when that broker's lease
// lapses. A server that took over, was emptied or evicted the table begins it anew,
// and says so by "since": holders that it does not know may be left until then. So does
// one whose table is larger than any fleet's: the scripts read it whole.
const leaseTable = redisconn.ReplicationIDScript + `
if redis.call('HLEN', KEYS[1]) > 4096 then redis.call('DEL', KEYS[1]) end
if redis.call('HGET', KEYS[1], 'reign') ~= reign then
  redis.call('HSET', KEYS[1], 'reign', reign, 'since', now)
end
redis.call('PEXPIRE', KEYS[1], 3600000)
`

// renewLease renews a broker's lease, forgets those long lapsed, and returns the
// head of the announcements. ARGV: the broker's id, the lease's life, a head to
// begin with.
var renewLease = redisconn.NewScript(leaseTable + `
redis.call('HSETNX', KEYS[1], 'head', ARGV[3])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'l:' and tonumber(all[i + 1]) < now - 60000 then
    redis.call('HDEL', KEYS[1], all[i])
  end
end
redis.call('HSET', KEYS[1], 'l:' .. ARGV[1], now + ARGV[2])
return redis.call('HGET', KEYS[1], 'head')
`)

// dropLease gives a lease back. ARGV: the broker's id.
var dropLease = redisconn.NewScript(`return redis.call('HDEL', KEYS[1], 'l:' .. ARGV[1])`)

// announceChange moves the head on and publishes an announcement: the head before,
// the new one, and the rest. ARGV: the channel, the new head, the rest, how long a
// lapsed lease still counts. Returns how long the server has kept the table, in
// milliseconds, and the ids of those who may hold a lease.
var announceChange = redisconn.NewScript(leaseTable + `
local before = redis.call('HGET', KEYS[1], 'head') or string.rep('\0', 16)
redis.call('HSET', KEYS[1], 'head', ARGV[2])
redis.call('PUBLISH', ARGV[1], before .. ARGV[2] .. ARGV[3])
local answer = {now - redis.call('HGET', KEYS[1], 'since')}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'l:' and tonumber(all[i + 1]) > now - ARGV[4] then
    answer[#answer + 1] = string.sub(all[i], 3)
  end
end
return answer
`)

// renew renews the lease in Redis and returns the head. Where the server's replicas do
// not confirm it, nobody has a lease: another server may have taken its place, where
// a change waits for those alone who have one there.
func (m *membership) renew(ctx context.Context) (head [16]byte, err error) {
	fresh := codec.Random()
	cmd, _, err := m.redis.ConfirmedAt(ctx, renewLease, m.leasesKey, m.id, leaseLife.Milliseconds(), fresh[:])
	if err != nil {
		return head, err
	}
	text, err := cmd.Text()
	if err != nil || len(text) != len(head) {
		return head, fmt.Errorf("head of %d bytes: %w", len(text), err)
	}
	copy(head[:], text)
	return head, nil
}
