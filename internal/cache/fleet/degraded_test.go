package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// counting counts round trips that read entries.
type counting struct {
	silent
	reads atomic.Int64
}

func (c *counting) Redis(command string, _ time.Duration) {
	if command == "mget" || command == "get" {
		c.reads.Add(1)
	}
}

// troubled waits until the broker finds that wrong.
func (b *broker) troubled(t testing.TB, want string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("redis is %q, %+v", b.Health(), b.Status())
		}
	}()
	redistest.Until(t, "redis is "+want, func() bool { return b.Health() == want })
}

// kept has an entry stored for an identity.
func (b *broker) kept(t testing.TB, id string) {
	t.Helper()
	_, stamp, err := b.find(t.Context(), id)
	if err == nil {
		err = b.save(t.Context(), id, "secret", stamp)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// found looks an identity's entry up in Redis.
func (b *broker) found(t testing.TB, id string) (bool, error) {
	t.Helper()
	found, err := b.Find(t.Context(), keyOf(id), b.epochs.Read(cache.IdentityScope(id), pool), b.epochs.Read, false)
	return found.Entry != nil, err
}

// A server that says nothing costs some their time, and then nobody; when it is
// back, it is used again.
func TestSilentServer(t *testing.T) {
	t.Parallel() // it waits
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	seen := &counting{}
	core, lines := observer.New(zap.InfoLevel)
	b := joinWith(t, newKeys(), fleet.Config{Server: server(link.Addr()), Observer: seen, Log: zap.New(core)}).leased(t)
	b.kept(t, "x")
	link.Hang()
	redistest.Until(t, "the server is left alone", func() bool {
		_, err := b.found(t, "x")
		return errors.Is(err, fleet.ErrBreakerOpen)
	})
	b.troubled(t, "unreachable")
	before := seen.reads.Load()
	for range 1000 {
		if _, err := b.found(t, "x"); !errors.Is(err, cache.ErrFleet) {
			t.Fatalf("while the server is left alone: got %v, want it not available", err)
		}
	}
	if _, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x")); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("a fence: got %v, want it not available", err)
	}
	if n := seen.reads.Load() - before; n > 0 {
		t.Errorf("%d reads were sent, want none", n)
	}
	if got := b.Status(); got.ReadBreakersOpen != 1 || got.Lease != 0 && b.Lease().Held() == false {
		t.Errorf("got %+v, want one silent server", got)
	}
	link.Restore()
	b.healthy(t).leased(t)
	if found, err := b.found(t, "x"); err != nil || !found {
		t.Errorf("after it: got %v %v, want the entry", found, err)
	}
	health := func() *observer.ObservedLogs {
		return lines.Filter(func(e observer.LoggedEntry) bool { return strings.HasPrefix(e.Message, "redis is") })
	}
	spelt := func(e observer.LoggedEntry) string { return fmt.Sprint(e.Message, " ", e.ContextMap()) }
	redistest.Until(t, "the log has the end", func() bool {
		all := health().All()
		return len(all) > 0 && spelt(all[len(all)-1]) == "redis is well again map[]"
	})
	told := ""
	for i, line := range health().All() { // where it answers again, it may not be confirmed yet
		if got := spelt(line); got == told || i == 0 && got != "redis is degraded map[reason:unreachable]" {
			t.Errorf("line %d: got %q after %q, want what changed, from unreachable", i, got, told)
		} else {
			told = got
		}
	}
}

// What was sent for a fence that was given up arrives late, and is taken back: the
// cache does not stay shut for as long as a fence lasts.
func TestLateFence(t *testing.T) {
	t.Parallel() // it waits
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	b := joinWith(t, newKeys(), fleet.Config{Server: server(link.Addr()), Observer: silent{}, FenceLife: time.Hour}).leased(t)
	b.kept(t, "x")
	link.Hang()
	if _, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x")); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("the fence: got %v, want it not available", err)
	}
	link.Restore()
	b.healthy(t)
	redistest.Until(t, "entries are kept again", func() bool {
		_, stamp, err := b.find(t.Context(), "x")
		if err == nil && stamp.Stands() {
			err = b.save(t.Context(), "x", "secret", stamp)
		}
		found, lost := b.found(t, "x")
		return err == nil && lost == nil && found
	})
}

// A full server is read, and what has become a replica, or has too few of them, is not
// confirmed; changes that need a fence fail at once.
func TestServerThatTakesNoWrites(t *testing.T) {
	t.Parallel() // it waits
	for _, test := range []struct {
		name   string
		begin  func(*redistest.Server)
		end    func(*redistest.Server)
		reason string
		lapses bool // the lease cannot be renewed, and no read is confirmed
	}{
		{
			"full", func(s *redistest.Server) { s.Config("maxmemory", "1") },
			func(s *redistest.Server) { s.Config("maxmemory", "0") }, "full", false,
		},
		{
			"a replica", func(s *redistest.Server) { s.Client().ReplicaOf(context.Background(), "127.0.0.1", "1") },
			func(s *redistest.Server) { s.Client().ReplicaOf(context.Background(), "NO", "ONE") }, "read-only", true,
		},
		{
			"without replicas", func(s *redistest.Server) { s.Config("min-replicas-to-write", "1") },
			func(s *redistest.Server) { s.Config("min-replicas-to-write", "0") }, "refuses writes that it could not save or replicate", true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // it waits for a lease
			s := redistest.Single(t)
			b := join(t, server(s.Addr()), newKeys()).leased(t)
			b.kept(t, "x")
			test.begin(s)
			redistest.Until(t, "writes are refused", func() bool {
				_, err := b.Stamp(t.Context(), b.epochs.Read(cache.IdentityScope("y"))) // makes an epoch
				return errors.Is(err, fleet.ErrBreakerOpen)
			})
			b.troubled(t, test.reason)
			if test.lapses {
				redistest.Until(t, "the lease lapses", func() bool { return !b.Lease().Held() })
				redistest.Until(t, "reads are not believed", func() bool { _, err := b.found(t, "x"); return err != nil })
			}
			for range 100 {
				if found, err := b.found(t, "x"); found == test.lapses || errors.Is(err, cache.ErrFleet) != test.lapses {
					t.Fatalf("a read: got %v %v, want the entry: %v", found, err, !test.lapses)
				}
				if _, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x")); !errors.Is(err, cache.ErrFleet) {
					t.Fatalf("a fence: got %v, want it not available", err)
				}
			}
			redistest.Until(t, "one server is not written", func() bool { // but for a moment, while it is tried
				got := b.Status()
				return got.ReadBreakersOpen == 0 && got.WriteBreakersOpen == 1
			})
			if found, err := b.found(t, "x"); found == test.lapses || errors.Is(err, cache.ErrFleet) != test.lapses {
				t.Errorf("after fences that failed: got %v %v, want the entry: %v", found, err, !test.lapses)
			}
			test.end(s)
			b.healthy(t).leased(t)
			fence, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x"))
			if err != nil {
				t.Fatalf("a fence, after it: got %v, want one", err)
			}
			if _, err := fence.Done(); err != nil {
				t.Error(err)
			}
			if found, err := b.found(t, "x"); err != nil || found {
				t.Errorf("after the fence: got %v %v, want nothing", found, err)
			}
		})
	}
}

// A server that is not there at the start costs nobody anything, and is used when it
// comes.
func TestServerThatComesLater(t *testing.T) {
	s := redistest.Single(t)
	s.Kill()
	b := join(t, server(s.Addr()), newKeys())
	b.troubled(t, "unreachable")
	if _, err := b.found(t, "x"); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("got %v, want it not available", err)
	}
	s.Start()
	b.healthy(t).leased(t).kept(t, "x")
	if found, err := b.found(t, "x"); err != nil || !found {
		t.Errorf("when it has come: got %v %v, want the entry", found, err)
	}
}

// One shard that says nothing is left alone, the others are not.
func TestSilentShard(t *testing.T) {
	t.Parallel() // it waits
	c := redistest.Cluster(t, redistest.Arg("cluster-replica-no-failover", "yes"), redistest.Arg("cluster-require-full-coverage", "no"))
	b := join(t, server(c.Addrs()...), newKeys()).leased(t)
	ids := make([]string, 60) // on each shard some
	for i := range ids {
		ids[i] = fmt.Sprint("identity ", i)
		b.kept(t, ids[i])
	}
	of := c.MasterOf(b.EpochName(pool)) // which all need
	silent := of
	for n := 0; silent == of; n++ {
		silent = c.MasterOf(b.EpochName(cache.IdentityScope(ids[n])))
	}
	silent.Pause()
	redistest.Until(t, "one shard is left alone, and others are asked", func() bool {
		alone, served := 0, 0
		for _, id := range ids {
			found, err := b.found(t, id)
			switch {
			case errors.Is(err, fleet.ErrBreakerOpen):
				alone++
			case err == nil && found:
				served++
			}
		}
		return alone > 0 && alone+served == len(ids) && b.Status().ReadBreakersOpen == 1
	})
	silent.Resume()
	b.healthy(t).leased(t)
	for _, id := range ids {
		if found, err := b.found(t, id); err != nil || !found {
			t.Errorf("%s, after it: got %v %v, want the entry", id, found, err)
		}
	}
}

// Where another takes the place of one that died, the broker follows when that has a
// replica.
func TestFailedOver(t *testing.T) {
	t.Parallel() // it waits
	sharded, watched := redistest.Cluster(t), redistest.Sentinels(t)
	sentinels := server(watched.Addrs()...)
	sentinels.Master = redistest.MasterName
	for name, test := range map[string]struct {
		server fleet.Server
		over   func(b *broker)
	}{
		"cluster":   {server(sharded.Addrs()...), func(b *broker) { sharded.KillMaster(b.EpochName(pool)); sharded.Heal() }},
		"sentinels": {sentinels, func(*broker) { watched.KillMaster(); watched.Heal() }},
	} {
		t.Run(name, func(t *testing.T) {
			b := join(t, test.server, newKeys()).leased(t)
			b.kept(t, "x")
			test.over(b)
			b.healthy(t).leased(t)
			n := 0
			redistest.Until(t, "entries are kept again", func() bool {
				id := fmt.Sprint("after ", n)
				n++
				_, stamp, err := b.find(t.Context(), id)
				if err == nil && stamp.Stands() {
					err = b.save(t.Context(), id, "secret", stamp)
				}
				found, lost := b.found(t, id)
				return err == nil && lost == nil && found
			})
		})
	}
}
