package pipeline_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/cognito-broker/broker/internal/redistest"
)

// silent observes nothing.
type silent struct{}

func (silent) Redis(string, time.Duration) {}

// server is a Redis at these addresses, with the default time-outs.
func server(addresses ...string) redisconn.Server {
	return redisconn.Server{
		Addresses: addresses, DialTimeout: 500 * time.Millisecond, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond,
		MinReplicas: min(1, len(addresses)-1),
	}
}

// patient is a server whose clients wait long.
func patient(address string) redisconn.Server {
	return redisconn.Server{Addresses: []string{address}, DialTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
}

func newReader(t testing.TB, s redisconn.Server) *pipeline.TestReader {
	t.Helper()
	r := pipeline.NewTestReader(s, silent{})
	t.Cleanup(r.Close)
	return r
}

// occupy has callers take all round trips to a server that says nothing.
func occupy(t testing.TB, r *pipeline.TestReader, ask func()) {
	t.Helper()
	for i := range pipeline.MaxInFlight {
		redistest.Until(t, "a trip is free", func() bool { return i == 0 || r.Slow() })
		go ask()
		redistest.Until(t, "a trip begins", func() bool { return r.Sent() == i+1 })
	}
}

// waiting waits until so many wait for a round trip.
func waiting(t testing.TB, r *pipeline.TestReader, want int) {
	t.Helper()
	redistest.Until(t, "all ask", func() bool { reads, _ := r.Waiting(); return reads == want })
}

// calls is how often a server was sent a command.
func calls(s *redistest.Server, command string) string {
	text, _, _ := strings.Cut(s.Info("commandstats")["cmdstat_"+command], ",")
	return strings.TrimPrefix(text, "calls=")
}

func TestReaderReads(t *testing.T) {
	for shape, start := range map[string]func() (redisconn.Server, redis.UniversalClient){
		"single": func() (redisconn.Server, redis.UniversalClient) {
			s := redistest.Single(t)
			return server(s.Addr()), s.Client()
		},
		"cluster": func() (redisconn.Server, redis.UniversalClient) {
			c := redistest.Cluster(t)
			client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
			t.Cleanup(func() { client.Close() })
			return server(c.Addrs()...), client
		},
	} {
		where, client := start()
		for name, value := range map[string]string{"a": "1", "b": "2", "empty": ""} {
			if err := client.Set(t.Context(), name, value, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		r := newReader(t, where)
		for _, test := range []struct{ keys, want []string }{
			{[]string{"a"}, []string{"1"}},
			{[]string{"b", "none", "a", "b"}, []string{"2", "", "1", "2"}},
			{[]string{"empty", "none"}, []string{"", ""}},
		} {
			for way, get := range map[string]func(context.Context, ...string) ([]string, error){"batched": r.Get, "direct": r.Direct} {
				if got, err := get(t.Context(), test.keys...); err != nil || !slices.Equal(got, test.want) {
					t.Errorf("%s, %s %q: got %q %v, want %q", shape, way, test.keys, got, err, test.want)
				}
			}
		}
	}
}

// What is asked while round trips are out goes out together, each key once.
func TestReaderBatches(t *testing.T) {
	s := redistest.Single(t)
	if err := s.Client().Set(t.Context(), "pool", "epoch", 0).Err(); err != nil {
		t.Fatal(err)
	}
	link := redistest.Proxy(t, s.Addr())
	r := newReader(t, patient(link.Addr()))
	if _, err := r.Get(t.Context(), "pool"); err != nil {
		t.Fatal(err)
	}
	link.Hang()
	var group sync.WaitGroup
	occupy(t, r, func() { group.Go(func() { r.Get(context.Background(), "pool") }) })
	for i := range pipeline.MaxBatch {
		group.Go(func() {
			got, err := r.Get(t.Context(), fmt.Sprint("identity ", i), "pool")
			if want := []string{"", "epoch"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("asker %d: got %q %v, want %q", i, got, err, want)
			}
		})
	}
	waiting(t, r, pipeline.MaxBatch)
	link.Restore()
	group.Wait()
	if got, want := calls(s, "mget"), fmt.Sprint(1+pipeline.MaxInFlight+1); got != want {
		t.Errorf("the server was asked %s times, want %s", got, want)
	}
	if got, want := s.Info("stats")["keyspace_hits"], fmt.Sprint(1+pipeline.MaxInFlight+1); got != want {
		t.Errorf("the key that all want was read %s times, want %s", got, want)
	}
}

// round trips are made by hand: each says what it asks for, and waits for its end.
type trips struct {
	r     *pipeline.TestReader
	begun chan trip
	group sync.WaitGroup
}

type trip struct {
	reads int
	end   chan struct{}
}

func byHand(t testing.TB, late time.Duration) *trips {
	ts := &trips{begun: make(chan trip, 100)}
	ts.r = pipeline.NewReaderBy(late, func(keys []string) {
		one := trip{len(keys), make(chan struct{})}
		ts.begun <- one
		select {
		case <-one.end:
		case <-t.Context().Done():
		}
	})
	t.Cleanup(func() {
		ts.group.Wait()
		redistest.Until(t, "runners end", func() bool {
			stacks := make([]byte, 1<<20)
			return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*pipeline).awaitWork"))
		})
	})
	return ts
}

// ask has so many keys read, by a caller each.
func (ts *trips) ask(t testing.TB, n int) {
	for range n {
		before, _ := ts.r.Waiting()
		ts.group.Go(func() { ts.r.Get(context.Background(), rand.Text()) })
		redistest.Until(t, "it asks", func() bool {
			now, _ := ts.r.Waiting()
			return now > before || len(ts.begun) > 0
		})
	}
}

// begins wants a round trip for so many.
func (ts *trips) begins(t testing.TB, reads int) trip {
	t.Helper()
	select {
	case one := <-ts.begun:
		if one.reads != reads {
			t.Errorf("a trip asks for %d, want %d", one.reads, reads)
		}
		return one
	case <-time.After(30 * time.Second):
		t.Fatalf("no trip for %d within 30 s", reads)
		return trip{}
	}
}

// A second round trip begins for plenty, and for fewer when the first is late. Few who wait
// when one ends are left to the other, and to nobody when that is late.
func TestReaderRoundTrips(t *testing.T) {
	t.Run("for plenty", func(t *testing.T) {
		ts := byHand(t, time.Hour)
		ts.ask(t, 1)
		first := ts.begins(t, 1)
		ts.ask(t, pipeline.EnoughQueued-1)
		if reads, n := ts.r.Waiting(); n != 1 || reads != pipeline.EnoughQueued-1 {
			t.Errorf("%d trips, and %d wait; want one for whom few wait", n, reads)
		}
		ts.ask(t, 1)
		second := ts.begins(t, pipeline.EnoughQueued)
		ts.ask(t, pipeline.EnoughQueued-1)
		close(second.end) // few wait
		redistest.Until(t, "the trip ends", func() bool { _, n := ts.r.Waiting(); return n == 1 })
		close(first.end)
		third := ts.begins(t, pipeline.EnoughQueued-1)
		ts.ask(t, pipeline.EnoughQueued)
		fourth := ts.begins(t, pipeline.EnoughQueued)
		ts.ask(t, pipeline.EnoughQueued)
		close(third.end) // plenty wait
		close(ts.begins(t, pipeline.EnoughQueued).end)
		close(fourth.end)
	})
	t.Run("late", func(t *testing.T) {
		ts := byHand(t, 10*time.Millisecond)
		ts.ask(t, 1)
		first := ts.begins(t, 1)
		redistest.Until(t, "it is late", ts.r.Slow)
		ts.ask(t, 1)
		close(ts.begins(t, 1).end)
		close(first.end)
	})
	t.Run("late with some left to it", func(t *testing.T) {
		ts := byHand(t, 100*time.Millisecond)
		ts.ask(t, 1)
		first := ts.begins(t, 1)
		ts.ask(t, pipeline.EnoughQueued)
		second := ts.begins(t, pipeline.EnoughQueued)
		ts.ask(t, 3)
		close(second.end)
		close(ts.begins(t, 3).end)
		close(first.end)
	})
}

// Each leaves when he wants; the others get their answers.
func TestReaderDeadlines(t *testing.T) {
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	r := newReader(t, patient(link.Addr()))
	link.Hang()
	var patients, leavers sync.WaitGroup
	ctx, leave := context.WithCancel(t.Context())
	occupy(t, r, func() { r.Get(context.Background(), "key") })
	for range 20 {
		patients.Go(func() {
			if _, err := r.Get(t.Context(), "key"); err != nil {
				t.Errorf("who waits: got %v, want an answer", err)
			}
		})
		leavers.Go(func() {
			if _, err := r.Get(ctx, "key"); !errors.Is(err, context.Canceled) {
				t.Errorf("who leaves: got %v, want his own end", err)
			}
		})
	}
	waiting(t, r, 40)
	leave()
	leavers.Wait() // the server still says nothing
	link.Restore()
	patients.Wait()
}

// A failure is that of all who asked together, and of nobody after.
func TestReaderFails(t *testing.T) {
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	r := newReader(t, patient(link.Addr()))
	link.Hang()
	var group sync.WaitGroup
	const askers = 50
	var failed atomic.Int64
	ask := func() {
		if _, err := r.Get(context.Background(), "key"); err != nil {
			failed.Add(1)
		}
	}
	occupy(t, r, func() { group.Go(ask) })
	for range askers - pipeline.MaxInFlight {
		group.Go(ask)
	}
	waiting(t, r, askers-pipeline.MaxInFlight)
	link.Cut()
	group.Wait()
	if got := failed.Load(); got != askers {
		t.Errorf("%d of %d failed, want all", got, askers)
	}
	link.Restore()
	if _, err := r.Get(t.Context(), "key"); err != nil {
		t.Errorf("after it: got %v, want an answer", err)
	}
}

// A server that is far behind is not waited for.
func TestReaderIsBounded(t *testing.T) {
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	r := newReader(t, patient(link.Addr()))
	link.Hang()
	ctx, leave := context.WithCancel(t.Context())
	var group sync.WaitGroup
	occupy(t, r, func() { r.Get(context.Background(), "key") })
	for range pipeline.MaxQueue {
		group.Go(func() { r.Get(ctx, "key") })
	}
	waiting(t, r, pipeline.MaxQueue)
	if _, err := r.Get(t.Context(), "key"); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("one more: got %v, want a refusal", err)
	}
	leave()
	group.Wait()
	link.Restore()
	redistest.Until(t, "nothing is under way", func() bool { reads, trips := r.Waiting(); return reads+trips == 0 })
}

// Nobody is told what was so before he asked: a read never joins one that is out.
func TestReaderReadsWhatIsThere(t *testing.T) {
	s := redistest.Single(t)
	r := newReader(t, server(s.Addr()))
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for round := range 200 {
				key, want := fmt.Sprint(i%4), ""
				if i < 4 { // who writes it
					want = fmt.Sprint(round)
					if err := s.Client().Set(t.Context(), key, want, 0).Err(); err != nil {
						t.Error(err)
						return
					}
				}
				if got, err := r.Get(t.Context(), key); err != nil || i < 4 && got[0] != want {
					t.Errorf("key %s: got %q %v, want %q", key, got, err, want)
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkReader reads entries with the epochs of their identity and their pool.
func BenchmarkReader(b *testing.B) {
	s := redistest.Single(b)
	const entries = 1000
	names := make([][]string, entries)
	for i := range names {
		tag := fmt.Sprintf("b2:{%022d}:", i)
		names[i] = []string{tag + "c:" + strings.Repeat("n", 22), tag + "v", "b2:{" + strings.Repeat("p", 22) + "}:v"}
		for _, name := range names[i] {
			value := strings.Repeat("e", 16)
			if strings.Contains(name, "c:") {
				value = strings.Repeat("c", 1500)
			}
			if err := s.Client().Set(b.Context(), name, value, 0).Err(); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, askers := range []int{1, 32, 64} {
		r := newReader(b, server(s.Addr()))
		ways := map[string]func(context.Context, ...string) ([]string, error){"batched": r.Get, "direct": r.Direct, "autopipelined": autoPipelined(b, s.Addr())}
		for way, get := range ways {
			if way == "direct" && askers > 32 {
				continue // for want of connections
			}
			b.Run(fmt.Sprintf("%s/askers=%d", way, askers), func(b *testing.B) {
				var n atomic.Int64
				b.SetParallelism(askers / runtime.GOMAXPROCS(0))
				b.ReportAllocs()
				before := cpuTime()
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						if got, err := get(b.Context(), names[n.Add(7)%entries]...); err != nil || len(got[0]) != 1500 {
							b.Errorf("got %v, want an entry", err)
						}
					}
				})
				b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// asksTerm adds to each batch what a reader asks with it.
type asksTerm struct{ redis.Hook }

func (asksTerm) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (asksTerm) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (asksTerm) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		term := redis.NewStringCmd(ctx, "info", "replication")
		err := next(ctx, append(slices.Clone(cmds), term))
		if err == nil && redisconn.MasterID([]byte(term.Val())) == "" {
			err = redisconn.ErrUnconfirmed
		}
		return err
	}
}

// autoPipelined reads as a reader does, by the library's own batches.
func autoPipelined(b *testing.B, address string) func(context.Context, ...string) ([]string, error) {
	c := redis.NewClient(&redis.Options{Addr: address})
	c.AddHook(asksTerm{})
	auto, err := c.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return func(ctx context.Context, keys ...string) ([]string, error) {
		values, err := auto.MGet(ctx, keys...).Result()
		texts := make([]string, len(keys))
		for i, v := range values {
			texts[i], _ = v.(string)
		}
		return texts, err
	}
}
