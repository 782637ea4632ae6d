package redisconn

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

// What probes found of a server stands on it, as a string: its replication id; since when it
// has had, without a gap, the replicas that it needs; when it was probed last; since when it
// has lost nothing, and how often it had by then. It is there for brokers that start later.

// recordProbe keeps what a probe found. ARGV: the replication id, 1 where there are enough
// replicas, how often the server lost something, the record's life. Returns since when, in
// milliseconds, it has had enough replicas, and lost nothing.
var recordProbe = NewScript(`
redis.call('PEXPIRE', KEYS[1], ARGV[4]) -- first: a full server takes what follows a write
local lost = tonumber(ARGV[3])
local since, seen, whole, counted = now, now, lost == 0 and 0 or now, lost
local format, known = '>I8I8I8I8', redis.call('GET', KEYS[1])
if known and string.sub(known, 1, 16) == ARGV[1] then
  since, seen, whole, counted = struct.unpack(format, string.sub(known, 17))
elseif known then
  whole = now
end
if ARGV[2] ~= '1' or now - seen > 2000 then since = now end
if lost ~= counted then whole = now end
redis.call('SET', KEYS[1], ARGV[1] .. struct.pack(format, since, now, whole, lost), 'PX', ARGV[4])
return {now - since, now - whole}
`)

const (
	// recordLife is how long the record is kept: far longer than anything that could be
	// served by it.
	recordLife = 30 * 24 * time.Hour
)

// probe learns how a server stands, outside of scripts, has its replicas confirm the record
// of it, and confirms the server for a moment. It fails with ErrUnconfirmed where too few
// replicas are there or answer, and where the server became another meanwhile.
func (c Client) probe(ctx context.Context, node *redis.Client) error {
	key, err := c.recordKeyOf(ctx, node)
	if err != nil {
		return err
	}
	g := c.hooks.of(node)
	conn := node.Conn() // WAIT counts what its own connection wrote
	defer conn.Close()
	asked := time.Now()
	var before, after info
	if _, err = conn.Pipelined(ctx, func(p redis.Pipeliner) error { before.ask(ctx, p); return nil }); err != nil {
		return err
	}
	id, enough := before.masterID(), 0
	if before.replicas() >= c.minReplicas {
		enough = 1
	}
	var w wait
	record := batch{
		script: recordProbe, calls: []Call{{[]string{key}, []any{id, enough, before.losses(), recordLife.Milliseconds()}}},
		behind: func(p redis.Pipeliner) {
			w.ask(ctx, p, c)
			after.askTerm(ctx, p)
		},
	}
	results, err := record.send(ctx, conn)
	if err != nil {
		if Moved(err) {
			g.recordKey.Store(nil)
		}
		return err
	}
	answered := time.Now()
	since, err := results[0].Int64Slice()
	if err != nil || len(since) != 2 {
		return errors.Join(err, ErrReply)
	}
	alone := g.noteTerm(after.masterID())
	if id == "" || after.masterID() != id {
		return ErrUnconfirmed
	}
	if err := w.enough(c); err != nil {
		return err
	}
	g.confirm(&ConfirmedMaster{
		ReplicationID: id, losses: before.losses(), lapses: asked.Add(masterLeaseLife),
		enoughSince:   answered.Add(-time.Duration(since[0]) * time.Millisecond),
		losslessSince: answered.Add(-min(alone, time.Duration(since[1])*time.Millisecond)),
	})
	return nil
}

// maxRecordNames bounds the search for a name that a node of a cluster keeps.
const maxRecordNames = 1 << 16

// recordKeyOf is the name of the record of a server, which the server keeps itself.
func (c Client) recordKeyOf(ctx context.Context, node *redis.Client) (string, error) {
	if c.Cluster == nil {
		return codec.Record(0), nil
	}
	g := c.hooks.of(node)
	if known := g.recordKey.Load(); known != nil {
		return *known, nil
	}
	for n := range maxRecordNames {
		key := codec.Record(n)
		keeper, err := c.Node(ctx, key)
		if err != nil {
			return "", err
		}
		if keeper == node {
			g.recordKey.Store(&key)
			return key, nil
		}
	}
	return "", errors.New("the node keeps nothing")
}
