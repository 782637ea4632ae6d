package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/redis/go-redis/v9"
)

// Reader reads strings. What is asked of a server with nothing of ours to answer is
// sent at once; while it has, reads gather and go out together, for most of a lone
// read is wake-ups and system calls. It is safe for concurrent use.
type Reader struct {
	redis     redisconn.Client
	Fetch     fetch                    // nil: reads and nothing else
	only      atomic.Pointer[pipeline] // where there is a single server; nil: not met yet
	mu        sync.RWMutex
	pipelines map[*redis.Client]*pipeline // by the server at their end
}

func NewReader(c redisconn.Client) *Reader {
	return &Reader{redis: c, pipelines: map[*redis.Client]*pipeline{}}
}

// Get reads the keys, which must not change afterwards; missing ones are empty. It
// waits no longer than until the deadline of ctx. All that it tells was read after
// it was called.
func (r *Reader) Get(ctx context.Context, keys []string) ([]string, error) {
	a, err := r.NewRequest(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := a.Wait(); redisconn.Moved(err) {
		return r.direct(ctx, keys)
	} else if err != nil {
		return nil, err
	}
	defer a.Release()
	values := make([]string, len(keys))
	for i, v := range a.Values {
		values[i] = string(v)
	}
	return values, nil
}

// direct reads the keys by themselves, as the library does it: it follows what a
// cluster is moving.
func (r *Reader) direct(ctx context.Context, keys []string) ([]string, error) {
	return getEach(ctx, r.redis, keys)
}

// pipeline is the way to the server that keeps a key.
func (r *Reader) pipelineOf(ctx context.Context, key string) (*pipeline, error) {
	if l := r.only.Load(); l != nil {
		return l, nil
	}
	node, err := r.redis.Node(ctx, key)
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
func (r *Reader) open(node *redis.Client) *pipeline {
	for other, l := range r.pipelines {
		if l.idle() {
			delete(r.pipelines, other)
		}
	}
	l := newPipeline(node, r.Fetch, sharedDeadline(node))
	switch {
	case r.Fetch != nil:
	case r.redis.Cluster != nil:
		l.fetch = func(ctx context.Context, from *redis.Client, keys []string, into *redisconn.Reply) error {
			return fetchEach(ctx, r.redis, from, keys, into)
		}
	default:
		l.fetch = func(ctx context.Context, from *redis.Client, keys []string, into *redisconn.Reply) error {
			return fetchTogether(ctx, r.redis, from, keys, into)
		}
	}
	r.pipelines[node] = l
	if r.redis.Cluster == nil {
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
