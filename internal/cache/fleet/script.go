package fleet

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// script is a Lua script with one key. Everything that decides runs in Redis, on
// Redis's clock.
type script struct{ *redis.Script }

func newScript(source string) script { return script{redis.NewScript(clock + source)} }

// clock is what each script begins with: now, in milliseconds.
const clock = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// invocation is a script's key and arguments.
type invocation struct {
	key  string
	args []any
}

// run runs the script once for each invocation on one connection, in one round
// trip, two where the server has not met the script. A script may run twice with
// the same arguments then.
func (s script) run(ctx context.Context, conn redis.Cmdable, calls []invocation) ([]*redis.Cmd, error) {
	results, err := s.send(ctx, conn, calls)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err := s.Load(ctx, conn).Err(); err != nil {
			return nil, err
		}
		results, err = s.send(ctx, conn, calls)
	}
	return results, err
}

func (s script) send(ctx context.Context, conn redis.Cmdable, calls []invocation) ([]*redis.Cmd, error) {
	results := make([]*redis.Cmd, len(calls))
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range calls {
			results[i] = s.EvalSha(ctx, p, []string{c.key}, c.args...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// one runs the script for one key.
func (s script) one(ctx context.Context, conn redis.Cmdable, key string, args ...any) (*redis.Cmd, error) {
	results, err := s.run(ctx, conn, []invocation{{key, args}})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// at runs a script on the server that keeps a key.
func (f *Fleet) at(ctx context.Context, s script, key string, args ...any) (*redis.Cmd, error) {
	return f.redis.at(ctx, s, key, args...)
}

// replicas is how many replicas the server has now, as INFO replication tells.
func replicas(info string) int {
	n := 0
	for line := range strings.Lines(info) {
		if strings.HasPrefix(line, "slave") && strings.Contains(line, "state=online") {
			n++
		}
	}
	return n
}

// movedAway reports whether a node of a cluster no longer has what was asked.
func movedAway(err error) bool {
	return redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "ASK") ||
		redis.HasErrorPrefix(err, "READONLY") || errors.Is(err, redis.ErrClosed)
}
