package redisconn

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Script is a Lua script. Everything that decides runs in Redis, on Redis's clock.
type Script struct {
	*redis.Script
	stamped bool
}

// NewScript makes a script that may run on any server.
func NewScript(source string) Script { return Script{redis.NewScript(clock + source), false} }

// NewStampedScript makes a script that knows, as replid, the replication id under which it
// is run. Whoever runs it believes the outcome only if the server still has that id
// afterwards: a script cannot ask, for some hosts of Redis refuse it INFO. What a script
// wrote under the id of another master term is no epoch to anybody, and no lease.
func NewStampedScript(source string) Script {
	return Script{redis.NewScript(clock + "local replid = ARGV[#ARGV]\n" + source), true}
}

// clock is what each script begins with: now, in milliseconds.
const clock = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// Call is what a script is called with. Its keys share a hash tag: every key that the script
// touches is among them.
type Call struct {
	Keys []string
	Args []any
}

// batch is what is sent to a server in one round trip: calls of a script, and what follows.
type batch struct {
	script Script
	calls  []Call
	replid string // for a stamped script
	behind func(redis.Pipeliner)
}

// send sends the batch on a connection, twice where the server has not met the script. The
// script may run twice with the same arguments then.
func (b *batch) send(ctx context.Context, conn redis.Cmdable) ([]*redis.Cmd, error) {
	results, err := b.sendOnce(ctx, conn)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err := b.script.Load(ctx, conn).Err(); err != nil {
			return nil, err
		}
		results, err = b.sendOnce(ctx, conn)
	}
	return results, err
}

func (b *batch) sendOnce(ctx context.Context, conn redis.Cmdable) ([]*redis.Cmd, error) {
	results := make([]*redis.Cmd, len(b.calls))
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, call := range b.calls {
			args := call.Args
			if b.script.stamped {
				args = append(args[:len(args):len(args)], b.replid)
			}
			results[i] = b.script.EvalSha(ctx, p, call.Keys, args...)
		}
		if b.behind != nil {
			b.behind(p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// Moved reports whether a node of a cluster no longer has what was asked.
func Moved(err error) bool {
	return redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "ASK") ||
		redis.HasErrorPrefix(err, "READONLY") || errors.Is(err, redis.ErrClosed)
}
