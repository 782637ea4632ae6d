package flows_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/redistest"
)

// noFleetObserver observes nothing of a fleet.
type noFleetObserver struct{}

func (noFleetObserver) Fence(string, time.Duration) {}
func (noFleetObserver) Subscription(bool)           {}
func (noFleetObserver) AnnouncementsMissed()        {}
func (noFleetObserver) OpenFailed()                 {}
func (noFleetObserver) Redis(string, time.Duration) {}

// testFleet is brokers that share a Redis and a backend.
type testFleet struct {
	t         *testing.T
	redis     *redistest.Server
	backend   *backend
	directory *directory
	seal      []byte
	name      []byte
	ahead     atomic.Int64 // how far their clocks run ahead, nanoseconds
}

func newTestFleet(t *testing.T) *testFleet {
	t.Helper()
	c := &testFleet{
		t: t, redis: redistest.Single(t), backend: &backend{life: time.Hour}, directory: &directory{},
		seal: make([]byte, 32), name: make([]byte, 32),
	}
	rand.Read(c.seal)
	rand.Read(c.name)
	return c
}

// fleetBroker is one of its brokers.
type fleetBroker struct {
	*rig
	tally   *tally
	way     *redistest.Link // to Redis
	waiting chan struct{}   // gets one for each flight that waits for another broker's
}

// join starts a broker and waits until it may serve from memory.
func (c *testFleet) join(change ...func(*flows.Config)) *fleetBroker {
	c.t.Helper()
	m := &fleetBroker{
		tally: &tally{counts: map[string]int{}}, way: redistest.Proxy(c.t, c.redis.Addr()),
		waiting: make(chan struct{}, 10_000),
	}
	shared, err := fleet.New(fleet.Config{
		Server: fleet.Server{
			Addresses: []string{m.way.Addr()}, DialTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second,
			WriteTimeout: 10 * time.Second, // on a busy machine
		},
		Keys: [][]byte{c.seal}, NameKey: c.name, FenceLife: 25 * time.Second, Observer: noFleetObserver{},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	memory, err := cache.NewMemory(10_000, func() time.Time { return c.now() })
	if err != nil {
		c.t.Fatal(err)
	}
	config := flows.Config{
		Next: c.backend, STS: c.backend, Prover: prover{}, Tokens: reader{}, Directory: c.directory, Memory: memory,
		Epochs: cache.NewEpochs(), Shared: telling{shared, m.waiting}, Names: cache.NewNamer(c.name),
		Floors: flows.Floors{Default: 20 * time.Minute}, Observer: m.tally, RenewIdle: 20 * time.Minute,
		Timeout: 15 * time.Second, Now: c.now, Random: func() float64 { return 0.5 },
	}
	for _, f := range change {
		f(&config)
	}
	config.Epochs.ShareWith(shared)
	shared.OnInvalidation(config.Epochs.End)
	m.rig = &rig{Service: flows.New(config), backend: c.backend, directory: c.directory, t: c.t}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { shared.Run(ctx) })
	c.t.Cleanup(func() {
		cancel()
		running.Wait()
		m.Close(context.Background())
		shared.Close()
		memory.Close()
	})
	waitUntil(c.t, "the lease of memory", shared.Lease().Held)
	return m
}

// members are n brokers.
func (c *testFleet) members(n int) []*fleetBroker {
	all := make([]*fleetBroker, n)
	for i := range all {
		all[i] = c.join()
	}
	return all
}

func (c *testFleet) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// hold lets no exchange with that token end; hold("") none at all. The others end
// as fails says.
func (c *testFleet) hold(token string, fails error) (release func()) {
	gate := make(chan struct{})
	c.backend.set(func(b *backend) {
		b.fail = func(got string) error {
			if token != "" && got != token {
				return nil
			}
			select {
			case <-gate:
				return fails
			case <-time.After(time.Minute):
				return errors.New("held for too long")
			}
		}
	})
	return sync.OnceFunc(func() { close(gate) })
}

// exchanging waits until n exchanges have begun.
func (c *testFleet) exchanging(n int32) {
	c.t.Helper()
	waitUntil(c.t, "an exchange", func() bool { return c.backend.exchanges.Load() >= n })
}

func (c *testFleet) exchanges(want int32) {
	c.t.Helper()
	if got := c.backend.exchanges.Load(); got != want {
		c.t.Errorf("exchanges: got %d, want %d", got, want)
	}
}

// asked is how an client was answered.
type asked struct {
	key string
	err error
}

// asks has someone ask for the user in the background.
func (m *fleetBroker) asks(token string) <-chan asked {
	answer := make(chan asked, 1)
	go func() {
		key, err := m.ask(user, token, &flows.CallInfo{})
		answer <- asked{key, err}
	}()
	return answer
}

// waits is asks, once the flight waits for another broker's.
func (m *fleetBroker) waits(token string) <-chan asked {
	answer := m.asks(token)
	<-m.waiting
	return answer
}

// gets compares an client's answer.
func (c *testFleet) gets(who string, answer <-chan asked, want string) {
	c.t.Helper()
	if got := <-answer; got.key != want || got.err != nil {
		c.t.Errorf("%s: got %s %v, want %s", who, got.key, got.err, want)
	}
}

// telling tells of flights that wait.
type telling struct {
	flows.Shared
	waiting chan<- struct{}
}

func (w telling) Await(ctx context.Context, flight cache.Flight, leader cache.LockHolder) (*cache.Failure, error) {
	w.waiting <- struct{}{}
	return w.Shared.Await(ctx, flight, leader)
}

// tally counts how a broker took part in flights, and its lookups.
type tally struct {
	noObserver
	mu     sync.Mutex
	counts map[string]int
}

func (c *tally) Flight(outcome string) { c.mu.Lock(); c.counts[outcome]++; c.mu.Unlock() }

func (c *tally) Lookup(tier, outcome string) { c.Flight(tier + " " + outcome) }

func (c *tally) of(outcome string) int { c.mu.Lock(); defer c.mu.Unlock(); return c.counts[outcome] }

// waitUntil waits for something that comes.
func waitUntil(t *testing.T, what string, came func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if came() {
			return
		}
		<-tick.C
	}
	t.Fatalf("%s did not come", what)
}
