package fleet_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// pair is a master and its replica, which hears of it over a link.
type pair struct {
	master, replica *redistest.Server
	link            *redistest.Link
}

func newPair(t testing.TB, options ...redistest.Option) pair {
	t.Helper()
	p := pair{master: redistest.Single(t, options...), replica: redistest.Single(t, options...)}
	p.link = redistest.Proxy(t, p.master.Addr())
	follow(t, p.replica, p.link)
	p.linked(t)
	return p
}

// follow makes a server the replica of another.
func follow(t testing.TB, s *redistest.Server, of *redistest.Link) {
	t.Helper()
	host, port, err := net.SplitHostPort(of.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Client().ReplicaOf(context.WithoutCancel(t.Context()), host, port).Err(); err != nil {
		t.Fatal(err)
	}
}

// promote makes a replica a master, as sentinels do.
func promote(t testing.TB, s *redistest.Server) {
	t.Helper()
	if err := s.Client().ReplicaOf(context.WithoutCancel(t.Context()), "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
}

// promote makes the replica a master, which gets a replica of its own: alone it is not
// confirmed.
func (p pair) promote(t testing.TB) {
	t.Helper()
	promote(t, p.replica)
	third := redistest.Single(t)
	follow(t, third, redistest.Proxy(t, p.replica.Addr()))
	pair{master: p.replica}.linked(t)
}

// linked waits until the master counts its replica, and has heard from it since: one
// that has just got all there was has yet to ask for what is new.
func (p pair) linked(t testing.TB) {
	t.Helper()
	conn := p.master.Client().Conn() // WAIT counts what its own connection wrote
	defer conn.Close()
	redistest.Until(t, "the replica is linked", func() bool {
		if !strings.Contains(p.master.Info("replication")["slave0"], "state=online") {
			return false
		}
		conn.Set(t.Context(), "anything", "", time.Second)
		confirmed, err := conn.Wait(t.Context(), 1, 100*time.Millisecond).Result()
		return err == nil && confirmed == 1
	})
}

// A broker that reaches only a master which was replaced serves nothing of what a
// change at the new one ended, and makes no change that the new one does not hear of;
// so does one that is started on its side.
func TestReplacedMaster(t *testing.T) {
	t.Parallel() // it waits for leases
	for name, part := range map[string]func(*redistest.Link){
		"cut":    (*redistest.Link).Cut,
		"silent": (*redistest.Link).Hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, k := newPair(t), newKeys()
			a := join(t, replicated(p.master.Addr()), k).leased(t)
			settle(t, a)
			a.kept(t, "x")
			part(p.link)
			p.promote(t)
			b := join(t, replicated(p.replica.Addr()), k).leased(t)
			b.change(t, cache.IdentityScope("x"))
			late := join(t, replicated(p.master.Addr()), k)
			for who, broker := range map[string]*broker{"the one that was there": a, "one that came later": late} {
				broker.lacks(t, who)
				if stamp, _ := broker.Stamp(t.Context(), broker.epochs.Read(cache.IdentityScope("x"))); stamp.Agreed() {
					t.Errorf("%s: got epochs of the master that was replaced, want none", who)
				}
				if _, err := broker.epochs.Fence(t.Context(), cache.IdentityScope("x")); !errors.Is(err, cache.ErrFleet) {
					t.Errorf("%s, a fence: got %v, want it not available", who, err)
				}
				if broker.Lease().Held() {
					t.Errorf("%s: got a lease, want none", who)
				}
				broker.troubled(t, "cut off from its replicas")
			}
		})
	}
}

// A change at a master that took over waits for those who read from the one before
// without a lease, of whom nobody knows.
func TestReadersWithoutLease(t *testing.T) {
	t.Parallel() // it waits
	p, k := newPair(t), newKeys()
	reader := unled(t, replicated(p.master.Addr()), k)
	reader.kept(t, "x")
	p.link.Cut()
	if found, err := reader.found(t, "x"); !found || err != nil {
		t.Fatalf("got %v %v, want the entry", found, err)
	}
	p.promote(t)
	unled(t, replicated(p.replica.Addr()), k).change(t, cache.IdentityScope("x"))
	if found, _ := reader.found(t, "x"); found {
		t.Error("after a change at the new master: got the old entry, want nothing")
	}
}

// unled is a broker that does not run, and so never has a lease.
func unled(t *testing.T, s fleet.Server, k keys) *broker {
	t.Helper()
	f, err := fleet.New(fleet.Config{Server: s, Keys: [][]byte{k.seal}, NameKey: k.name, FenceLife: 10 * time.Second, Observer: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{Fleet: f, epochs: cache.NewEpochs()}
	b.epochs.ShareWith(f)
	if b.memory, err = cache.NewMemory(10_000, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); b.memory.Close() })
	return b
}

// Of three servers two are the fleet's, whichever they are: who has only one of them
// neither serves nor changes anything, and what the one side began is not ended there
// when the other side has taken over.
func TestTwoOfThree(t *testing.T) {
	t.Parallel() // it waits for leases
	p, k := newPair(t), newKeys()
	third := redistest.Single(t)
	away, over := redistest.Proxy(t, p.master.Addr()), redistest.Proxy(t, p.replica.Addr())
	follow(t, third, away)
	redistest.Until(t, "the third server is linked", func() bool {
		return strings.Contains(p.master.Info("replication")["slave1"], "state=online")
	})
	a := join(t, replicated(p.master.Addr()), k).leased(t)
	settle(t, a)
	a.kept(t, "x")
	redistest.Until(t, "both have heard of it", func() bool { return p.master.Client().Wait(t.Context(), 2, time.Second).Val() == 2 })
	p.link.Hang()
	promote(t, p.replica)
	b := join(t, replicated(p.replica.Addr()), k)
	b.troubled(t, "cut off from its replicas")
	if _, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x")); !errors.Is(err, cache.ErrFleet) || b.Lease().Held() {
		t.Errorf("one of three: got a lease, or a fence (%v), want neither", err)
	}
	if found, err := a.found(t, "x"); !found || err != nil || !a.Lease().Held() {
		t.Errorf("two of three: got %v %v, want the entry, and a lease", found, err)
	}
	fence, err := a.epochs.Fence(t.Context(), cache.IdentityScope("y"))
	if err != nil {
		t.Fatal(err)
	}
	follow(t, third, over)
	if _, err := fence.Done(); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("the end of a fence at the master that was left: got %v, want it not available", err)
	}
	b.leased(t).change(t, cache.IdentityScope("x"))
	a.lacks(t, "the broker at the master that was left")
}

// A master that lost its replica is not confirmed until the replica is back; nothing
// is lost by it.
func TestMasterWithoutItsReplica(t *testing.T) {
	t.Parallel() // it waits for a lease
	p := newPair(t)
	b := join(t, replicated(p.master.Addr()), newKeys()).leased(t)
	settle(t, b)
	b.kept(t, "x")
	p.link.Cut()
	b.troubled(t, "cut off from its replicas")
	redistest.Until(t, "nothing is served", func() bool {
		_, held := b.memory.Get(keyOf("x"))
		found, err := b.found(t, "x")
		return !held && !found && errors.Is(err, cache.ErrFleet)
	})
	p.link.Restore()
	b.healthy(t).leased(t)
	redistest.Until(t, "the entry is served again", func() bool {
		found, err := b.found(t, "x")
		return err == nil && found
	})
}

// A master that became a replica and then a master again, without having heard what
// happened meanwhile, brings nothing back.
func TestSecondMasterTerm(t *testing.T) {
	s := redistest.Single(t)
	b := join(t, server(s.Addr()), newKeys()).leased(t)
	b.kept(t, "x")
	if err := s.Client().ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	promote(t, s)
	redistest.Until(t, "the first term's entry is gone", func() bool {
		found, err := b.found(t, "x")
		return err == nil && !found
	})
}

// Two servers take each other's place while they cannot hear each other, and brokers
// reach either the one or the other: no change that was answered on one side is missed
// on the other.
func TestFenceDuringPartitions(t *testing.T) {
	t.Parallel()
	p, k, f := newPair(t), newKeys(), &fire{upstream: newUpstream(12)}
	back := redistest.Proxy(t, p.replica.Addr())
	for range 2 {
		for _, s := range []*redistest.Server{p.master, p.replica} {
			f.brokers = append(f.brokers, join(t, replicated(s.Addr()), k))
		}
	}
	f.brokers[0].leased(t)
	// Changes made where nothing is cached end nothing: all brokers make some.
	master, replica, to, from := p.master, p.replica, p.link, back
	f.burn(t, 20*time.Second, func(ctx context.Context) {
		rest(ctx, 2*time.Second+rand.N(3*time.Second))
		[]func(){to.Cut, to.Hang}[rand.N(2)]()
		rest(ctx, []time.Duration{0, rand.N(3 * time.Second)}[rand.N(2)])
		promote(t, replica)
		rest(ctx, 3*time.Second+rand.N(3*time.Second))
		to.Restore()
		follow(t, master, from)
		master, replica, to, from = replica, master, from, to
		pair{master: master}.linked(t)
	})
}
