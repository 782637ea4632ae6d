package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Reader reads strings. A read is sent at once to a server that nothing is in flight to;
// others are queued, and share the next batch. It is safe for concurrent use.
type Reader struct {
	redis     redisconn.Client
	fetch     fetch                    // nil: reads strings
	only      atomic.Pointer[pipeline] // of a single server; nil: not known yet
	mu        sync.RWMutex
	pipelines map[*redis.Client]*pipeline // by the server at their end
}

// NewReader makes a reader of strings.
func NewReader(c redisconn.Client) *Reader { return NewFetcher(c, nil) }

// NewFetcher makes a reader whose batches are made by fetch, which gives the reply a value for
// each key.
func NewFetcher(c redisconn.Client, fetch fetch) *Reader {
	return &Reader{redis: c, fetch: fetch, pipelines: map[*redis.Client]*pipeline{}}
}

// Get reads the keys, which must not change afterwards; missing ones are empty. All values are
// read after the call. It waits until the deadline of ctx at most, and fails as the server
// does, or with ctx.
func (r *Reader) Get(ctx context.Context, keys []string) ([]string, error) {
	a, err := r.NewRequest(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := a.Wait(); redisconn.Moved(err) {
		return getEach(ctx, r.redis, keys) // it follows what a cluster is moving
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

// pipelineOf is the way to the server that keeps a key.
func (r *Reader) pipelineOf(ctx context.Context, key string) (*pipeline, error) {
	if p := r.only.Load(); p != nil {
		return p, nil
	}
	node, err := r.redis.Node(ctx, key)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	p := r.pipelines[node]
	r.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p = r.pipelines[node]; p == nil {
		p = r.open(node)
	}
	return p, nil
}

// open makes the pipeline to a server, and forgets those that are idle: a cluster may have
// dropped their servers. One that is forgotten without need is made again.
func (r *Reader) open(node *redis.Client) *pipeline {
	for other, p := range r.pipelines {
		if p.idle() {
			delete(r.pipelines, other)
		}
	}
	fetch := r.fetch
	if fetch == nil {
		fetch = func(ctx context.Context, from *redis.Client, keys []string, into *redisconn.Reply) error {
			return fetchStrings(ctx, r.redis, from, keys, into)
		}
	}
	p := newPipeline(node, fetch, sharedDeadline(node))
	r.pipelines[node] = p
	if r.redis.Cluster == nil {
		r.only.Store(p)
	}
	return p
}

// sharedDeadline is how long a batch may take, by the client's time-outs: it may wait for a
// connection, or make one, and is sent twice where that had died.
func sharedDeadline(node *redis.Client) time.Duration {
	o := node.Options()
	return 2 * (o.PoolTimeout + o.DialTimeout + o.WriteTimeout + o.ReadTimeout)
}
