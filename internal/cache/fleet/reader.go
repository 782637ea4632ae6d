package fleet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// reader reads strings. What is asked of a server with nothing of ours to answer is
// sent at once; while it has, reads gather and go out together, for most of a lone
// read is wake-ups and system calls. It is safe for concurrent use.
type reader struct {
	redis client
	fetch fetch // nil: reads and nothing else
	mu    sync.RWMutex
	lanes map[*redis.Client]*lane // by the server at their end
}

func newReader(c client) *reader {
	return &reader{redis: c, lanes: map[*redis.Client]*lane{}}
}

// get reads the keys, which must not change afterwards; missing ones are empty. It
// waits no longer than until the deadline of ctx. All that it tells was read after
// it was called.
func (r *reader) get(ctx context.Context, keys []string) ([]string, error) {
	a, err := r.ask(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := a.wait(); movedAway(err) {
		return r.direct(ctx, keys)
	} else if err != nil {
		return nil, err
	}
	defer a.release()
	return slices.Clone(a.values), nil
}

// direct reads the keys by themselves, as the library does it: it follows what a
// cluster is moving.
func (r *reader) direct(ctx context.Context, keys []string) ([]string, error) {
	return r.redis.fetchEach(ctx, r.redis, keys)
}

// lane is the way to the server that keeps a key.
func (r *reader) lane(ctx context.Context, key string) (*lane, error) {
	node, err := r.redis.node(ctx, key)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	l := r.lanes[node]
	r.mu.RUnlock()
	if l != nil {
		return l, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l = r.lanes[node]; l == nil {
		l = r.open(node)
	}
	return l, nil
}

// open makes the lane to a server that was not met before. A cluster may be without
// others since; a lane that was dropped wrongly is made again.
func (r *reader) open(node *redis.Client) *lane {
	for other, l := range r.lanes {
		if l.idle() {
			delete(r.lanes, other)
		}
	}
	l := &lane{node: node, fetch: r.fetch, patience: patienceOf(node)}
	switch {
	case r.fetch != nil:
	case r.redis.cluster != nil:
		l.fetch = r.redis.fetchEach
	default:
		l.fetch = r.redis.fetchTogether
	}
	r.lanes[node] = l
	return l
}

// patienceOf is how long a command may take: it may wait for a connection, or make
// one, and is sent once more where that had died.
func patienceOf(node *redis.Client) time.Duration {
	o := node.Options()
	return 2 * (o.PoolTimeout + o.DialTimeout + o.WriteTimeout + o.ReadTimeout)
}

// fetch reads keys from a server, in one round trip.
type fetch func(ctx context.Context, from redis.Cmdable, keys []string) ([]string, error)

// fetchEach reads keys one by one in one round trip.
func (c client) fetchEach(ctx context.Context, from redis.Cmdable, keys []string) ([]string, error) {
	gets := make([]*redis.StringCmd, len(keys))
	var info *redis.StringCmd
	_, err := from.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			gets[i] = p.Get(ctx, key)
		}
		if _, one := from.(*redis.Client); one {
			info = p.Info(ctx, "server") // of the connection that the rest is read on
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
	}
	if info == nil { // of several servers; nobody can tell which
		return values, c.own(ctx, from, keys, values, "")
	}
	if err := info.Err(); err != nil {
		return nil, err
	}
	return values, c.own(ctx, from, keys, values, info.Val())
}

// fetchTogether reads keys by one command. A cluster takes it for keys of one slot
// only.
func (c client) fetchTogether(ctx context.Context, from redis.Cmdable, keys []string) ([]string, error) {
	var got *redis.SliceCmd
	var info *redis.StringCmd
	_, err := from.Pipelined(ctx, func(p redis.Pipeliner) error {
		got, info = p.MGet(ctx, keys...), p.Info(ctx, "server")
		return nil
	})
	if err != nil {
		return nil, err
	}
	values := make([]string, len(keys))
	for i, v := range got.Val() {
		values[i], _ = v.(string)
	}
	return values, c.own(ctx, from, keys, values, info.Val())
}
