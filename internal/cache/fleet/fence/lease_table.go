package fence

import (
	"context"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
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

// The leases are a sorted set: the id of a broker by when its lease lapses, in milliseconds of
// Redis's clock. Since when the set has been kept stands there too, as "@" and the server's
// replication id: as a score below zero, for it does not lapse. A server begins the set anew
// when it took over, was emptied, or evicted the set, and when the set is larger than any
// fleet's: until then there may be holders that it does not know. The head, the id of the last
// announcement, is a string: where that is lost, brokers conclude that they missed some.
const leaseTable = `
if redis.call('ZCARD', KEYS[1]) > 4096 then redis.call('DEL', KEYS[1]) end
local since = redis.call('ZSCORE', KEYS[1], '@' .. replid)
if not since then
  since = -now
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', 0)
  redis.call('ZADD', KEYS[1], since, '@' .. replid)
end
redis.call('PEXPIRE', KEYS[1], 3600000)
`

// leaseKeys are the keys of the scripts below: of the leases and of the head.
func leaseKeys(n codec.Names) []string { return []string{n.Shared("leases"), n.Shared("head")} }

// renewLease renews a broker's lease, forgets those long lapsed, and returns the
// head of the announcements. ARGV: the broker's id, the lease's life, a head to
// begin with.
var renewLease = redisconn.NewStampedScript(leaseTable + `
redis.call('ZREMRANGEBYSCORE', KEYS[1], 1, now - 60000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local head = redis.call('GET', KEYS[2]) or ARGV[3]
redis.call('SET', KEYS[2], head, 'PX', 3600000)
return head
`)

// dropLease gives a lease back. ARGV: the broker's id.
var dropLease = redisconn.NewScript(`return redis.call('ZREM', KEYS[1], ARGV[1])`)

// announceChange moves the head on and publishes an announcement: the head before,
// the new one, and the rest. ARGV: the channel, the new head, the rest, how long a
// lapsed lease still counts, and how many holders to name. Returns how long the server has kept
// the leases, in milliseconds, what names this table of them, and the ids of those who may hold
// one.
var announceChange = redisconn.NewStampedScript(leaseTable + `
local before = redis.call('GET', KEYS[2]) or string.rep('\0', 16)
redis.call('SET', KEYS[2], ARGV[2], 'PX', 3600000)
redis.call('PUBLISH', ARGV[1], before .. ARGV[2] .. ARGV[3])
local holders = redis.call('ZRANGEBYSCORE', KEYS[1], now - ARGV[4], '+inf', 'LIMIT', 0, ARGV[5])
return {now + since, replid .. since, unpack(holders)}
`)

// renew renews the lease in Redis and returns the head. It fails where the server's replicas do
// not confirm it: another server may have taken its place, and a change there waits for the
// holders that it knows alone.
func (m *membership) renew(ctx context.Context) (head [16]byte, err error) {
	fresh := codec.Random()
	cmd, _, err := m.redis.ConfirmedAt(ctx, renewLease, m.leases, m.id, leaseLife.Milliseconds(), fresh[:])
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
