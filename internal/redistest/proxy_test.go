package redistest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/redistest"
)

// through returns a client of the server behind the link, that never tries again.
func through(t *testing.T, l *redistest.Link) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Addr: l.Addr(), ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// shortly is a context for what is expected not to be answered.
func shortly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func get(t *testing.T, s *redistest.Server, key string) string {
	t.Helper()
	value, err := s.Client().Get(t.Context(), key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatalf("GET: %v", err)
	}
	return value
}

func TestCutRestore(t *testing.T) {
	l := redistest.Proxy(t, redistest.Single(t).Addr())
	c, address := through(t, l), l.Addr()
	set(t, c, "k", "v")
	l.Cut()
	l.Cut() // stays cut
	if err := c.Get(t.Context(), "k").Err(); err == nil {
		t.Error("a cut link carries GET")
	}
	l.Restore()
	l.Restore()
	if got := l.Addr(); got != address {
		t.Errorf("restored at %s, want %s", got, address)
	}
	set(t, through(t, l), "k", "v")
}

// What hangs arrives after Restore, though its client has given up, and never
// after Cut.
func TestHang(t *testing.T) {
	s := redistest.Single(t)
	l := redistest.Proxy(t, s.Addr())
	c := through(t, l)
	set(t, c, "k", "before") // the connection is set up

	l.Hang()
	if err := c.Set(shortly(t), "k", "lost", 0).Err(); err == nil {
		t.Error("a hanging link carries SET")
	}
	l.Cut()
	l.Restore()
	set(t, c, "k2", "v")
	if got := get(t, s, "k"); got != "before" {
		t.Errorf("after Cut: got %q, want before", got)
	}

	l.Hang()
	if err := c.Set(shortly(t), "k", "late", 0).Err(); err == nil {
		t.Error("a hanging link carries SET")
	}
	if got := get(t, s, "k"); got != "before" {
		t.Errorf("while it hangs: got %q, want before", got)
	}
	l.Restore()
	until(t, "the late SET arrives", func() bool { return get(t, s, "k") == "late" })
}

// Commands are carried out while their answers hang.
func TestHangAnswers(t *testing.T) {
	s := redistest.Single(t)
	l := redistest.Proxy(t, s.Addr())
	c := through(t, l)
	set(t, c, "k", "before")
	l.HangAnswers()
	if err := c.Set(shortly(t), "k", "after", 0).Err(); err == nil {
		t.Error("an answer came")
	}
	until(t, "SET is carried out", func() bool { return get(t, s, "k") == "after" })
	l.Restore()
	set(t, c, "k", "again")
}

// A round trip takes the latency, however many commands share it.
func TestLatency(t *testing.T) {
	const latency = 200 * time.Millisecond
	l := redistest.Proxy(t, redistest.Single(t).Addr())
	c := through(t, l)
	set(t, c, "k", "v")
	l.Latency(latency)
	started := time.Now()
	var commands sync.WaitGroup
	for range 10 {
		commands.Go(func() { c.Get(t.Context(), "k") })
	}
	set(t, c, "k", "v")
	if took := time.Since(started); took < latency {
		t.Errorf("a round trip took %v, want at least %v", took, latency)
	}
	commands.Wait()
	l.Restore()
	set(t, c, "k", "v")
}

// What passes is whole and in order.
func TestProxyWhole(t *testing.T) {
	s := redistest.Single(t)
	l := redistest.Proxy(t, s.Addr())
	c := through(t, l)
	large := make([]byte, 5<<20)
	rand.Read(large)
	set(t, c, "k", string(large))
	if got := get(t, s, "k"); got != string(large) {
		t.Error("what was written is not what was sent")
	}
	if got, err := c.Get(t.Context(), "k").Result(); err != nil || got != string(large) {
		t.Errorf("what was read is not what was written: %v", err)
	}
}

// A server that ends is seen to end, and one that starts again is reached.
func TestProxyServerGone(t *testing.T) {
	s := redistest.Single(t)
	l := redistest.Proxy(t, s.Addr())
	c := through(t, l)
	set(t, c, "k", "v")
	s.Kill()
	if err := c.Get(t.Context(), "k").Err(); err == nil {
		t.Error("a dead server answers")
	}
	s.Start()
	set(t, through(t, l), "k", "v")
}

// Under load, whatever is done to the link, it is well after Restore and leaves
// nothing behind (TestMain).
func TestProxyUnderLoad(t *testing.T) {
	l := redistest.Proxy(t, redistest.Single(t).Addr())
	c := redis.NewClient(&redis.Options{
		Addr: l.Addr(), ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
		ReadTimeout: 20 * time.Millisecond, DialTimeout: time.Second, PoolSize: 100,
	})
	defer c.Close()
	var workers sync.WaitGroup
	defer workers.Wait()
	stop := make(chan struct{})
	defer close(stop)
	value := make([]byte, 100_000)
	for range 4 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
						p.Set(t.Context(), "k", value, 0)
						p.Get(t.Context(), "k")
						return nil
					})
				}
			}
		})
	}
	for range 5 {
		for _, fault := range []func(){l.Cut, l.Hang, l.HangAnswers, func() { l.Latency(time.Second) }, func() { l.Hang(); l.Cut() }} {
			fault()
			c.Ping(shortly(t))
			l.Restore()
			until(t, "the link is well", func() bool { return c.Ping(shortly(t)).Err() == nil })
		}
	}
}
