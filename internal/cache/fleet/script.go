package fleet

import (
	"context"
	"errors"

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

// step is a script and an invocation of it.
type step struct {
	script
	invocation
}

// run runs the script once for each invocation, as runSteps does.
func (s script) run(ctx context.Context, conn redis.Cmdable, calls []invocation) ([]*redis.Cmd, error) {
	steps := make([]step, len(calls))
	for i, c := range calls {
		steps[i] = step{s, c}
	}
	return runSteps(ctx, conn, steps)
}

// runSteps runs scripts one after the other on one connection, in one round trip, two
// where the server has not met one of them. A script may run twice with the same
// arguments then.
func runSteps(ctx context.Context, conn redis.Cmdable, steps []step) ([]*redis.Cmd, error) {
	results, err := send(ctx, conn, steps)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		for i, s := range steps {
			if i > 0 && s.script == steps[i-1].script {
				continue
			}
			if err := s.Load(ctx, conn).Err(); err != nil {
				return nil, err
			}
		}
		results, err = send(ctx, conn, steps)
	}
	return results, err
}

func send(ctx context.Context, conn redis.Cmdable, steps []step) ([]*redis.Cmd, error) {
	results := make([]*redis.Cmd, len(steps))
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, s := range steps {
			results[i] = s.EvalSha(ctx, p, []string{s.key}, s.args...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// at runs a script on the server that keeps a key.
func (f *Fleet) at(ctx context.Context, s script, key string, args ...any) (*redis.Cmd, error) {
	return f.redis.at(ctx, s, key, args...)
}

// moved reports whether a node of a cluster no longer has what was asked.
func moved(err error) bool {
	return redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "ASK") ||
		redis.HasErrorPrefix(err, "READONLY") || errors.Is(err, redis.ErrClosed)
}
