package redisconn

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// breakerHook is the circuit breaker hook on all that is sent to one server. It keeps a server
// that does not answer from costing every request its time-outs, and one that only refuses
// writes from being asked for them, while it is read.
type breakerHook struct {
	server  *redis.Client
	answers *breaker
	writes  *breaker
	observe Observer
	masterLease
	rightsCheck rightsCheck
	recordKey   atomic.Pointer[string] // the name of the server's record, where that was searched
	used        atomic.Int64           // when a request used it last, in Unix nanoseconds
	refused     atomic.Int64           // when it refused a write last, likewise
}

func newBreakerHook(server *redis.Client, observe Observer) *breakerHook {
	timeout := server.Options().ReadTimeout
	return &breakerHook{
		server: server, answers: newBreaker(true, timeout), writes: newBreaker(false, timeout), observe: observe,
	}
}

// bypassKey marks a context.
type bypassKey struct{}

// BypassBreaker returns a context whose commands are sent whatever the circuit breaker says: what
// renews the membership lease, and so shows others that the server is back, and what ends a
// fence, which must not be given up lightly.
func BypassBreaker(ctx context.Context) context.Context {
	return context.WithValue(ctx, bypassKey{}, true)
}

func bypassesBreaker(ctx context.Context) bool { return ctx.Value(bypassKey{}) != nil }

// probeKey marks a context.
type probeKey struct{}

// asProbe returns a context whose commands do not count as a use of the server.
func asProbe(ctx context.Context) context.Context {
	return context.WithValue(BypassBreaker(ctx), probeKey{}, true)
}

func isProbe(ctx context.Context) bool { return ctx.Value(probeKey{}) != nil }

// connecting are the commands that the library sends by itself, on new connections or to learn of
// a cluster.
var connecting = map[string]bool{
	"hello": true, "auth": true, "client": true, "select": true, "readonly": true, "asking": true, "cluster": true,
	"command": true,
}

// reading are the commands that write nothing. Scripts may write.
var reading = map[string]bool{
	"get": true, "mget": true, "ping": true, "info": true, "wait": true, "script": true, "publish": true,
}

// DialHook counts connections.
func (g *breakerHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err == nil {
			g.rightsCheck.dials.Add(1)
		}
		return conn, err
	}
}

// ProcessHook hooks a command.
func (g *breakerHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return g.pass(ctx, []redis.Cmder{cmd}, func() error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook hooks a pipeline.
func (g *breakerHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return g.pass(ctx, cmds, func() error { return next(ctx, cmds) })
	}
}

// pass sends commands, if the breakers admit them. A connection that broke since it was used last
// is no failure of the server: the commands are sent once more.
func (g *breakerHook) pass(ctx context.Context, cmds []redis.Cmder, send func() error) error {
	name := cmds[0].Name()
	if connecting[name] {
		return send()
	}
	start := time.Now()
	if name != "ping" && !isProbe(ctx) {
		g.used.Store(start.UnixNano())
	}
	done, err := g.admit(bypassesBreaker(ctx), writing(cmds))
	if err != nil {
		for _, cmd := range cmds {
			cmd.SetErr(err)
		}
		return err
	}
	answer := replyOf(ctx)
	err = send()
	if brokenOff(err) && ctx.Err() == nil {
		answer.reset()
		err = send()
	}
	if err == nil {
		err = answer.parse()
	}
	g.observe.Redis(name, time.Since(start))
	done(ctx, cmds, err)
	return err
}

// admit asks the breakers.
func (g *breakerHook) admit(urgent, writing bool) (done func(context.Context, []redis.Cmder, error), err error) {
	answered, err := g.answers.allow(urgent)
	if err != nil {
		return nil, err
	}
	written := func(error) {}
	if writing {
		if written, err = g.writes.allow(urgent); err != nil {
			answered(errNothing)
			return nil, err
		}
	}
	return func(ctx context.Context, cmds []redis.Cmder, err error) {
		switch t := healthIn(cmds, err); {
		case saysNothing(ctx, err):
			answered(errNothing)
			written(errNothing)
		case t.noAnswers():
			g.answers.lastHealth.Store(int32(t))
			answered(errFailed)
			written(errNothing)
		case t.noWrites():
			g.writes.lastHealth.Store(int32(t))
			g.refused.Store(time.Now().UnixNano())
			answered(nil)
			written(errFailed)
		default:
			if t == forbidding && !isProbe(ctx) {
				g.rightsCheck.refusedAt.Store(time.Now().UnixNano())
			}
			answered(nil)
			if err != nil {
				err = errNothing // a script was not known, for example
			}
			written(err)
		}
	}, nil
}

// health is what is wrong with the server. A write that it refused lately counts, whether or not
// a breaker opened by it: such a server refuses all writes.
func (g *breakerHook) health() health {
	if g.answers.open() {
		return health(g.answers.lastHealth.Load())
	}
	if g.writes.open() || since(&g.refused) < refusedLately {
		return health(g.writes.lastHealth.Load())
	}
	if since(&g.failedAt) < retryAfter && health(g.failedHealth.Load()) == unconfirmed && g.held("") == nil {
		return unconfirmed
	}
	if g.rightsCheck.missingRules() != "" || g.rightsCheck.unexplained() {
		return forbidding
	}
	return healthy
}

// refusedLately is how long a refused write tells of the server's state.
const refusedLately = 5 * time.Second

func since(moment *atomic.Int64) time.Duration {
	return time.Duration(time.Now().UnixNano() - moment.Load())
}

// healthIn is what the first of the commands to fail, or their round trip, tells of the server.
func healthIn(cmds []redis.Cmder, err error) health {
	for _, cmd := range cmds {
		if t := healthOf(cmd.Err()); t != healthy {
			return t
		}
	}
	return healthOf(err)
}

func writing(cmds []redis.Cmder) bool {
	for _, cmd := range cmds {
		if !reading[cmd.Name()] {
			return true
		}
	}
	return false
}

// brokenOff reports whether a connection broke that had been made.
func brokenOff(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
