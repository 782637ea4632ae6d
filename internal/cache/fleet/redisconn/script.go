package redisconn

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Script is a Lua script. Everything that decides runs in Redis, on
// Redis's clock.
type Script struct{ *redis.Script }

func NewScript(source string) Script { return Script{redis.NewScript(clock + source)} }

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

// step is a script and an invocation of it.
type step struct {
	Script
	Call
}

// Run runs the script once for each invocation, as runSteps does.
func (s Script) Run(ctx context.Context, conn redis.Cmdable, calls []Call) ([]*redis.Cmd, error) {
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
			if i > 0 && s.Script == steps[i-1].Script {
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
			results[i] = s.EvalSha(ctx, p, s.Keys, s.Args...)
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
