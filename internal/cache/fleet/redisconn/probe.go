package redisconn

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

// ReplicationIDScript tells the server's replication id: the time since it became a master, under an id
// that no other master ever has. One that took over, was started anew, or was a
// replica meanwhile begins another.
const ReplicationIDScript = `
local replid = string.sub(string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)'), 1, 16)
`

// What is known of a server stands on it, as a string: its replication id; since when it has
// had, without a gap, the replicas that it needs; when it was looked at last; since
// when it has lost nothing, by eviction or by being emptied, and how often it had by
// then; the most replicas that were met in this replication id, and in any. It is there for those who look later:
// a master that was met with its replicas is not confirmed without them.
//
// Of the n servers that were ever met together, most must have what is written, for a
// replica that most do not reach is no longer the master's, or may have taken its place.
// Of two, the replica that takes over is alone, and the master that had it is not
// confirmed without it.

// probeServer notes how the server stands. ARGV: how long the record is kept. Returns the
// replication id, the process's id, how many replicas must confirm what is written, whether
// there are as many, and since when, in milliseconds, it has had them, and has lost
// nothing.
var probeServer = NewScript(ReplicationIDScript + `
redis.call('PEXPIRE', KEYS[1], ARGV[1]) -- first: a full server takes what follows a write
local replicas = 0
for state in string.gmatch(redis.call('INFO', 'replication'), 'slave%d+:[^\r\n]*state=(%w+)') do
  if state == 'online' then replicas = replicas + 1 end
end
local lost, commands = tonumber(string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')), redis.call('INFO', 'commandstats')
for _, emptying in ipairs({'flushall', 'flushdb'}) do
  lost = lost + (string.match(commands, 'cmdstat_' .. emptying .. ':calls=(%d+)') or 0)
end
local since, seen, whole, counted, own, most = now, now, lost == 0 and 0 or now, lost, 0, 0
local format, known = '>I8I8I8I8I4I4', redis.call('GET', KEYS[1])
if known then
  local a, b, c, d, e, f = struct.unpack(format, string.sub(known, 17))
  if string.sub(known, 1, 16) == replid then since, seen, whole, counted, own = a, b, c, d, e else whole = now end
  most = f
end
own, most = math.max(own, replicas), math.max(most, replicas)
local need = math.floor((most + 1) / 2)
if most == 1 and own == 0 then need = 0 end
if replicas < need or now - seen > 2000 then since = now end
if lost ~= counted then whole = now end
redis.call('SET', KEYS[1], replid .. struct.pack(format, since, now, whole, lost, own, most), 'PX', ARGV[1])
return {replid, string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), need, replicas >= need and 1 or 0, now - since, now - whole}
`)

// settingsLife is how long what is known of a server is kept: far longer than anything
// that it could serve.
const recordLife = 30 * 24 * time.Hour

// ServerState is what probeServer tells.
type ServerState struct {
	ReplicationID, RunID   string
	needReplicas           int           // how many replicas must confirm what is written
	enough                 bool          // there are as many
	EnoughFor, LosslessFor time.Duration // how long it has had them, and lost nothing
}

func readServerState(cmd *redis.Cmd) (ServerState, error) {
	answer, err := cmd.Slice()
	if err != nil || len(answer) != 6 {
		return ServerState{}, errors.Join(err, errors.New("unexpected answer"))
	}
	l := ServerState{}
	l.ReplicationID, _ = answer[0].(string)
	l.RunID, _ = answer[1].(string)
	numbers := [4]int64{}
	for i := range numbers {
		numbers[i], _ = answer[2+i].(int64)
	}
	l.needReplicas, l.enough = int(numbers[0]), numbers[1] == 1
	l.EnoughFor, l.LosslessFor = time.Duration(numbers[2])*time.Millisecond, time.Duration(numbers[3])*time.Millisecond
	if len(l.ReplicationID) != codec.ReplicationIDSize || len(l.RunID) < codec.ReplicationIDSize {
		return ServerState{}, errors.New("unexpected answer")
	}
	l.RunID = l.RunID[:codec.ReplicationIDSize]
	return l, nil
}

// confirmWithin bounds the wait for replicas.
const confirmWithin = 300 * time.Millisecond

// errUnconfirmed says that a server's replicas do not confirm what it is told:
// another may have taken its place.
var errUnconfirmed = errors.New("too few replicas have confirmed the write")

// RunAndProbe runs a script on one server, and looks at it.
func (c Client) RunAndProbe(ctx context.Context, node *redis.Client, s Script, calls []Call) ([]*redis.Cmd, ServerState, error) {
	return c.probe(ctx, node, node, s, calls)
}

// RunConfirmed runs a script on one server, and succeeds only when its replicas have
// what the script wrote, as many as it needs: a replica that takes over must not bring
// back what was ended, nor may a master be confirmed whose place another took. The
// server is confirmed for a moment then.
func (c Client) RunConfirmed(ctx context.Context, node *redis.Client, s Script, calls []Call) ([]*redis.Cmd, ServerState, error) {
	conn := node.Conn() // WAIT counts what its own connection wrote
	defer conn.Close()
	sent := time.Now()
	results, l, err := c.probe(ctx, node, conn, s, calls)
	if err != nil {
		return nil, l, err
	}
	if err := awaitReplicas(ctx, conn, l); err != nil {
		return nil, l, err
	}
	c.hooks.of(node).confirm(l, sent)
	return results, l, nil
}

// awaitReplicas waits until as many replicas as needed have what the connection wrote.
func awaitReplicas(ctx context.Context, conn *redis.Conn, l ServerState) error {
	if !l.enough {
		return errUnconfirmed
	}
	if l.needReplicas == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*confirmWithin) // the library would wait for ten seconds more
	defer cancel()
	n, err := conn.Wait(ctx, l.needReplicas, confirmWithin).Result()
	if err == nil && int(n) < l.needReplicas {
		err = errUnconfirmed
	}
	return err
}

// ServerState runs a script and probeServer, in one round trip.
func (c Client) probe(ctx context.Context, node *redis.Client, conn redis.Cmdable, s Script, calls []Call) ([]*redis.Cmd, ServerState, error) {
	key, err := c.recordKeyOf(ctx, node)
	if err != nil {
		return nil, ServerState{}, err
	}
	steps := make([]step, 0, len(calls)+1)
	for _, call := range calls {
		steps = append(steps, step{s, call})
	}
	steps = append(steps, step{probeServer, Call{[]string{key}, []any{recordLife.Milliseconds()}}})
	results, err := runSteps(ctx, conn, steps)
	if err != nil {
		if Moved(err) {
			c.hooks.of(node).recordKey.Store(nil)
		}
		return nil, ServerState{}, err
	}
	l, err := readServerState(results[len(calls)])
	if err == nil {
		l.LosslessFor = min(l.LosslessFor, c.hooks.of(node).noteTerm(l.ReplicationID))
	}
	return results[:len(calls)], l, err
}

// maxRecordNames bounds the search for a name that a node of a cluster keeps.
const maxRecordNames = 1 << 16

// recordKeyOf is the name of what is known of a server, which the server keeps itself.
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

// RunIDOf is the beginning of a server process's id, as INFO server tells it; empty
// where it does not.
func RunIDOf(info []byte) string {
	_, rest, _ := bytes.Cut(info, []byte("run_id:"))
	if len(rest) < codec.ReplicationIDSize {
		return ""
	}
	return string(rest[:codec.ReplicationIDSize])
}
