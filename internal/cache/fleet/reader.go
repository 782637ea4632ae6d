package fleet

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// reader reads strings. What is asked of a server with nothing of ours to answer is
// sent at once; while it has, reads gather and go out together, for most of a lone
// read is wake-ups and system calls. It is safe for concurrent use.
type reader struct {
	redis     client
	fetch     fetch                    // nil: reads and nothing else
	only      atomic.Pointer[pipeline] // where there is a single server; nil: not met yet
	mu        sync.RWMutex
	pipelines map[*redis.Client]*pipeline // by the server at their end
}

func newReader(c client) *reader {
	return &reader{redis: c, pipelines: map[*redis.Client]*pipeline{}}
}

// get reads the keys, which must not change afterwards; missing ones are empty. It
// waits no longer than until the deadline of ctx. All that it tells was read after
// it was called.
func (r *reader) get(ctx context.Context, keys []string) ([]string, error) {
	a, err := r.newRequest(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := a.wait(); moved(err) {
		return r.direct(ctx, keys)
	} else if err != nil {
		return nil, err
	}
	defer a.release()
	values := make([]string, len(keys))
	for i, v := range a.values {
		values[i] = string(v)
	}
	return values, nil
}

// direct reads the keys by themselves, as the library does it: it follows what a
// cluster is moving.
func (r *reader) direct(ctx context.Context, keys []string) ([]string, error) {
	return r.redis.getEach(ctx, keys)
}

// pipeline is the way to the server that keeps a key.
func (r *reader) pipelineOf(ctx context.Context, key string) (*pipeline, error) {
	if l := r.only.Load(); l != nil {
		return l, nil
	}
	node, err := r.redis.node(ctx, key)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	l := r.pipelines[node]
	r.mu.RUnlock()
	if l != nil {
		return l, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l = r.pipelines[node]; l == nil {
		l = r.open(node)
	}
	return l, nil
}

// open makes the pipeline to a server that was not met before. A cluster may be without
// others since; a pipeline that was dropped wrongly is made again.
func (r *reader) open(node *redis.Client) *pipeline {
	for other, l := range r.pipelines {
		if l.idle() {
			delete(r.pipelines, other)
		}
	}
	l := newPipeline(node, r.fetch, sharedDeadline(node))
	switch {
	case r.fetch != nil:
	case r.redis.cluster != nil:
		l.fetch = r.redis.fetchEach
	default:
		l.fetch = r.redis.fetchTogether
	}
	r.pipelines[node] = l
	if r.redis.cluster == nil {
		r.only.Store(l)
	}
	return l
}

// sharedDeadline is how long a command may take: it may wait for a connection, or make
// one, and is sent once more where that had died.
func sharedDeadline(node *redis.Client) time.Duration {
	o := node.Options()
	return 2 * (o.PoolTimeout + o.DialTimeout + o.WriteTimeout + o.ReadTimeout)
}

// fetch reads keys from a server, in one round trip, whose reply has their values
// first.
type fetch func(ctx context.Context, from *redis.Client, keys []string, r *reply) error

// fetchEach reads keys one by one in one round trip.
func (c client) fetchEach(ctx context.Context, from *redis.Client, keys []string, r *reply) error {
	cmds := make([]redis.Cmder, 0, len(keys)+1)
	for i := range keys {
		cmds = append(cmds, redis.NewRawWriteToCmd(ctx, &r.bytes, "get", &keys[i]))
	}
	return c.fetch(ctx, from, keys, r, cmds)
}

// fetchTogether reads keys by one command. A cluster takes it for keys of one slot
// only.
func (c client) fetchTogether(ctx context.Context, from *redis.Client, keys []string, r *reply) error {
	args := make([]any, 1, 1+len(keys))
	args[0] = "mget"
	for i := range keys {
		args = append(args, &keys[i]) // which takes no memory, as a string would
	}
	return c.fetch(ctx, from, keys, r, []redis.Cmder{redis.NewRawWriteToCmd(ctx, &r.bytes, args...)})
}

// fetch sends raw commands that read keys.
func (c client) fetch(ctx context.Context, from *redis.Client, keys []string, r *reply, cmds []redis.Cmder) error {
	// Of the connection that the rest is read on.
	cmds = append(cmds, redis.NewRawWriteToCmd(ctx, &r.bytes, "info", "server"))
	pipe := from.Pipeline()
	if err := pipe.BatchProcess(ctx, cmds...); err != nil {
		return err
	}
	if _, err := pipe.Exec(r.within(ctx)); err != nil {
		return err
	}
	if len(r.values) != len(keys)+1 {
		return errReply
	}
	return c.stripEpochs(ctx, from, keys, r.values, runIDOf(r.values[len(keys)]))
}

// getEach reads keys of a cluster's servers one by one. It tells of no epochs, for
// nobody can tell which process answered.
func (c client) getEach(ctx context.Context, keys []string) ([]string, error) {
	gets := make([]*redis.StringCmd, len(keys))
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			gets[i] = p.Get(ctx, key)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	values := make([]string, len(keys))
	for i, got := range gets {
		if values[i], err = got.Result(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		if isEpoch(keys[i]) {
			values[i] = ""
		}
	}
	return values, nil
}
