package pipeline

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The bounds of a reader.
const (
	MaxInFlight  = maxInFlight
	EnoughQueued = enoughQueued
	MaxBatch     = maxBatch
	MaxQueue     = maxQueue
)

// TestReader is a reader with its own connections.
type TestReader struct {
	Reader
	sent atomic.Int64 // batches that have no answer yet
}

// NewTestReader returns a reader of a server.
func NewTestReader(s redisconn.Server, observe redisconn.Observer) *TestReader {
	c := redisconn.Dial(s, observe)
	r := &TestReader{}
	r.redis, r.pipelines = c, map[*redis.Client]*pipeline{}
	r.fetch = func(ctx context.Context, from *redis.Client, keys []string, into *redisconn.Reply) error {
		r.sent.Add(1)
		defer r.sent.Add(-1)
		return fetchStrings(ctx, c, from, keys, into)
	}
	return r
}

// Sent is how many batches were sent and have no answer.
func (r *TestReader) Sent() int { return int(r.sent.Load()) }

// NewReaderBy returns a reader whose round trips are made by fetch, and are slow after a
// while. It has no connections.
func NewReaderBy(slow time.Duration, fetch func(keys []string)) *TestReader {
	p := newPipeline(nil, func(_ context.Context, _ *redis.Client, keys []string, r *redisconn.Reply) error {
		fetch(keys)
		r.Values = append(r.Values, make([][]byte, len(keys)+1)...)
		return nil
	}, 0)
	p.slowAfter = slow
	r := &TestReader{}
	r.pipelines = map[*redis.Client]*pipeline{nil: p}
	r.only.Store(p)
	return r
}

// Get reads keys in batches, Direct by themselves.
func (r *TestReader) Get(ctx context.Context, keys ...string) ([]string, error) {
	return r.Reader.Get(ctx, keys)
}

// Direct reads keys as Get does, but for the batches.
func (r *TestReader) Direct(ctx context.Context, keys ...string) ([]string, error) {
	return getEach(ctx, r.redis, keys)
}

// Slow reports whether the last round trip to each server is slow.
func (r *TestReader) Slow() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, p := range r.pipelines {
		p.mu.Lock()
		ok := time.Since(p.begun) >= p.slowAfter
		p.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

// Waiting is how many reads wait for a round trip, and how many of those are under way.
func (r *TestReader) Waiting() (reads, trips int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, p := range r.pipelines {
		p.mu.Lock()
		reads, trips = reads+len(p.queue), trips+p.inFlight
		p.mu.Unlock()
	}
	return reads, trips
}

// Close ends the connections.
func (r *TestReader) Close() { r.redis.Close() }
