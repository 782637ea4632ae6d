package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Fence under fire: brokers read, change and cache while their Redis and the
// connections to it break. A read that began after a change was answered never
// returns what is older than the change.
//
// It runs for BROKER_TEST_SECONDS (6) with each kind of fire.

// upstream is what is cached: a version for each identity and for the pool. A
// change makes the next version, and an answer holds both.
type upstream struct {
	versions map[string]*history
	pool     history
}

// history is a version, and the newest that a change was answered with.
type history struct{ now, answered atomic.Int64 }

func (h *history) change() int64 { return h.now.Add(1) }

func (h *history) answer(version int64) {
	for {
		old := h.answered.Load()
		if version <= old || h.answered.CompareAndSwap(old, version) {
			return
		}
	}
}

func newUpstream(identities int) *upstream {
	u := &upstream{versions: map[string]*history{}}
	for i := range identities {
		u.versions[fmt.Sprint("identity", i)] = &history{}
	}
	return u
}

// exchange answers for an identity, at some moment while it lasts.
func (u *upstream) exchange(id string) string {
	nap(2 * time.Millisecond)
	answer := fmt.Sprintf("%d %d", u.versions[id].now.Load(), u.pool.now.Load())
	nap(2 * time.Millisecond)
	return answer
}

// nap takes up to d.
func nap(d time.Duration) { time.Sleep(rand.N(d)) }

// fire is a run: what was done, and the first answers that were too old.
type fire struct {
	upstream *upstream
	brokers  []*broker
	// strict: reads must also see changes that were made and not answered yet. That
	// holds while Redis loses nothing.
	strict bool
	// afterwards runs when a change was answered; nil: nothing does.
	afterwards                        func(ctx context.Context)
	hits, misses, uncached            atomic.Int64
	changed, unanswered, unchangeable atomic.Int64
	mu                                sync.Mutex
	violations                        []string
}

// read asks a broker for an identity, as flows do, and judges the answer.
func (f *fire) read(ctx context.Context, b *broker, id string) {
	h := f.upstream.versions[id]
	least, leastPool := h.answered.Load(), f.upstream.pool.answered.Load()
	if f.strict {
		least, leastPool = h.now.Load(), f.upstream.pool.now.Load()
	}
	answer, where := f.ask(ctx, b, id)
	var got, gotPool int64
	if _, err := fmt.Sscan(answer, &got, &gotPool); err != nil {
		f.report("%s answered %q from %s", id, answer, where)
	}
	if got < least || gotPool < leastPool {
		f.report("%s from %s: got version %d of the identity and %d of the pool, after %d and %d were answered", id, where, got, gotPool, least, leastPool)
	}
}

func (f *fire) ask(ctx context.Context, b *broker, id string) (answer, where string) {
	entry, ok := b.memory.Get(keyOf(id))
	if ok {
		f.hits.Add(1)
		return entry.Credentials.SecretKey, "memory"
	}
	found, err := b.Find(ctx, keyOf(id), b.epochs.Read(cache.IdentityScope(id), pool), b.epochs.Read, false)
	if err == nil && found.Entry != nil {
		b.memory.Put(keyOf(id), found.Entry)
		f.hits.Add(1)
		return found.Entry.Credentials.SecretKey, "Redis"
	}
	answer = f.upstream.exchange(id)
	if err != nil {
		f.uncached.Add(1)
		return answer, "upstream, without Redis"
	}
	f.misses.Add(1)
	_ = b.save(ctx, id, answer, found.Stamp)
	return answer, "upstream"
}

// change changes an identity or the pool within a fence.
func (f *fire) change(ctx context.Context, b *broker, h *history, scope cache.Scope) {
	fence, err := b.epochs.Fence(ctx, scope)
	if err != nil {
		f.unchangeable.Add(1)
		return
	}
	if rand.N(20) == 0 {
		fence.Cancel()
		return
	}
	nap(3 * time.Millisecond)
	version := h.change()
	nap(3 * time.Millisecond)
	if _, err := fence.Done(); err != nil {
		f.unanswered.Add(1)
		return
	}
	h.answer(version)
	f.changed.Add(1)
	if f.afterwards != nil {
		f.afterwards(ctx)
	}
}

func (f *fire) report(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.violations) < 10 {
		f.violations = append(f.violations, fmt.Sprintf(format, args...))
	}
}

// burn runs readers and changers on each broker, and lights, until the time is up.
func (f *fire) burn(t *testing.T, least time.Duration, light func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(t.Context(), max(least, burnTime()))
	defer cancel()
	last := time.Now().Add(time.Minute) // on a machine where it shows nothing before
	goesOn := func() bool {
		return ctx.Err() == nil || (f.hits.Load() == 0 || f.misses.Load() == 0 || f.changed.Load() == 0) && time.Now().Before(last)
	}
	var all sync.WaitGroup
	for i, b := range f.brokers {
		for range 4 {
			all.Go(func() {
				for goesOn() {
					f.read(t.Context(), b, fmt.Sprint("identity", rand.N(len(f.upstream.versions))))
					nap(500 * time.Microsecond)
				}
			})
		}
		if i == 0 {
			continue // what it has in memory, only others end
		}
		for range 3 {
			all.Go(func() {
				for goesOn() {
					id := fmt.Sprint("identity", rand.N(len(f.upstream.versions)))
					h, scope := f.upstream.versions[id], cache.IdentityScope(id)
					if rand.N(20) == 0 {
						h, scope = &f.upstream.pool, pool
					}
					f.change(t.Context(), b, h, scope)
					nap(100 * time.Millisecond)
				}
			})
		}
	}
	all.Go(func() {
		for goesOn() {
			if ctx.Err() != nil { // enough was lit
				nap(100 * time.Millisecond)
				continue
			}
			light(t.Context())
		}
	})
	all.Wait()
	t.Logf("%d hits, %d misses, %d without Redis; %d changes, %d of unknown outcome, %d refused",
		f.hits.Load(), f.misses.Load(), f.uncached.Load(), f.changed.Load(), f.unanswered.Load(), f.unchangeable.Load())
	for _, v := range f.violations {
		t.Error(v)
	}
	if f.hits.Load() == 0 || f.misses.Load() == 0 || f.changed.Load() == 0 {
		t.Error("got a run without hits, misses or changes: it shows nothing")
	}
}

func burnTime() time.Duration {
	seconds, err := strconv.Atoi(os.Getenv("BROKER_TEST_SECONDS"))
	if err != nil {
		seconds = 6
	}
	return time.Duration(seconds) * time.Second
}

// rest waits, or leaves when ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func TestFenceInChaos(t *testing.T) {
	t.Parallel()
	for name, light := range map[string]func(redis *redistest.Server, links []*redistest.Link) func(context.Context){
		"no fire": func(*redistest.Server, []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) { rest(ctx, time.Second) }
		},
		"cut for long": func(_ *redistest.Server, links []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) {
				rest(ctx, 300*time.Millisecond+rand.N(time.Second))
				link := one(links)
				[]func(){link.Cut, link.Hang, link.HangAnswers}[rand.N(3)]()
				rest(ctx, 2500*time.Millisecond+rand.N(time.Second))
				link.Restore()
			}
		},
		"cut shortly": func(_ *redistest.Server, links []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) {
				rest(ctx, rand.N(700*time.Millisecond))
				link := one(links)
				[]func(){link.Cut, link.Hang, link.HangAnswers, func() { link.Latency(20 * time.Millisecond) }}[rand.N(4)]()
				rest(ctx, rand.N(700*time.Millisecond))
				link.Restore()
			}
		},
		"killed": func(redis *redistest.Server, _ []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) {
				rest(ctx, 500*time.Millisecond+rand.N(2*time.Second))
				redis.Kill()
				rest(ctx, rand.N(time.Second))
				redis.Start()
			}
		},
		"emptied": func(redis *redistest.Server, _ []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) {
				rest(ctx, []time.Duration{rand.N(100 * time.Millisecond), rand.N(4 * time.Second)}[rand.N(2)])
				redis.FlushAll()
			}
		},
		"paused": func(redis *redistest.Server, _ []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) {
				rest(ctx, rand.N(2*time.Second))
				redis.Pause()
				rest(ctx, rand.N(3*time.Second))
				redis.Resume()
			}
		},
		"evicting": func(redis *redistest.Server, _ []*redistest.Link) func(context.Context) {
			return func(ctx context.Context) { evict(ctx, redis) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Single(t)
			k, f := newKeys(), &fire{upstream: newUpstream(12), strict: name == "no fire" || name == "paused"}
			var links []*redistest.Link
			for range 3 {
				link := redistest.Proxy(t, redis.Addr())
				links = append(links, link)
				f.brokers = append(f.brokers, join(t, server(link.Addr()), k))
			}
			for _, b := range f.brokers {
				b.leased(t)
			}
			if name == "evicting" {
				f.afterwards = func(ctx context.Context) { evictEpochs(ctx, redis) }
			}
			// A fresh server makes the first fences wait for 3 s, during which the pool may
			// have no cache; a way that is shut for as long needs more time than that.
			f.burn(t, 10*time.Second, light(redis, links))
		})
	}
}

// A master dies, or is told to step down, while changes are being answered: what a
// replica takes over never brings back what a change ended.
func TestFenceDuringFailover(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]func(t *testing.T) (fleet.Server, func()){
		"sentinels": func(t *testing.T) (fleet.Server, func()) {
			w := redistest.Sentinels(t)
			s := server(w.Addrs()...)
			s.Master = redistest.MasterName
			return s, func() {
				if rand.N(2) == 0 {
					w.Failover()
				} else {
					w.KillMaster()
				}
				w.Heal()
			}
		},
		"cluster": func(t *testing.T) (fleet.Server, func()) {
			c := redistest.Cluster(t)
			return server(c.Addrs()...), func() {
				key := fmt.Sprint(rand.Int())
				if rand.N(2) == 0 {
					c.Failover(key)
				} else {
					c.KillMaster(key)
				}
				c.Heal()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, fail := shape(t)
			k, f := newKeys(), &fire{upstream: newUpstream(12)}
			for range 3 {
				f.brokers = append(f.brokers, join(t, where, k))
			}
			for _, b := range f.brokers {
				b.leased(t)
			}
			f.burn(t, 12*time.Second, func(ctx context.Context) {
				rest(ctx, rand.N(2*time.Second))
				if ctx.Err() == nil {
					fail()
				}
			})
		})
	}
}

// one is a link, mostly that of the broker which only reads.
func one(links []*redistest.Link) *redistest.Link { return links[max(0, rand.N(len(links)+2)-2)] }

// evict takes keys away one by one, as a Redis does that is full and evicts.
func evict(ctx context.Context, redis *redistest.Server) {
	if key, err := redis.Client().RandomKey(ctx).Result(); err == nil {
		redis.Client().Del(ctx, key)
	}
	rest(ctx, rand.N(time.Second))
}

// evictEpochs takes away all epochs, just after a change was answered: the worst
// moment at which a full Redis can evict them.
func evictEpochs(ctx context.Context, redis *redistest.Server) {
	if keys, err := redis.Client().Keys(ctx, "*:v").Result(); err == nil && len(keys) > 0 {
		redis.Client().Del(ctx, keys...)
	}
}
