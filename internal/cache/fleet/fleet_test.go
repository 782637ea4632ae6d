package fleet_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// What one broker stored, another finds, and after a fence neither has it.
func TestShared(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	e, stamp, err := a.find(ctx, "x")
	if err != nil || e != nil {
		t.Fatalf("before anything was stored: got %v %v, want nothing", e, err)
	}
	if err := a.save(ctx, "x", "one", stamp); err != nil {
		t.Fatal(err)
	}
	for name, broker := range map[string]*broker{"a": a, "b": b} {
		if e, _, err = broker.find(ctx, "x"); err != nil || e == nil || e.Credentials.SecretKey != "one" {
			t.Fatalf("%s: got no entry (%v), want what a stored", name, err)
		}
		if !e.Stamp.Valid() {
			t.Errorf("%s: got an entry that memory may not serve", name)
		}
	}
	fence, err := a.epochs.Fence(ctx, cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	for name, broker := range map[string]*broker{"a": a, "b": b} {
		if e, stamp, err = broker.find(ctx, "x"); err != nil || e != nil || stamp.Stands() {
			t.Errorf("%s, while the fence is open: got %v, %v and a stamp that stands: %v; want none", name, e, err, stamp.Stands())
		}
	}
	after, err := fence.Done()
	if err != nil || !after.Valid() {
		t.Fatalf("the fence's end: got %v, and a valid stamp: %v", err, after.Valid())
	}
	if e, stamp, err = b.find(ctx, "x"); err != nil || e != nil || !stamp.Stands() {
		t.Errorf("after the fence: got %v, %v and a stamp that stands: %v; want a stamp only", e, err, stamp.Stands())
	}
}

// A change that no replica has heard of is not made: the replica may take over and
// would serve what the change ended.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinels(t)
	s := server(w.Addrs()...)
	s.Master = redistest.MasterName
	b := join(t, s, newKeys()).leased(t)
	settle(t, b)
	replica := w.Replica()
	replica.Pause()
	_, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x"))
	if !errors.Is(err, cache.ErrFleet) {
		t.Errorf("a fence that the replica does not confirm: got %v, want %v", err, cache.ErrFleet)
	}
	replica.Resume()
	for { // as soon as the replica has caught up
		fence, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x"))
		if err == nil {
			fence.Cancel()
			return
		}
	}
}

// Epochs that many miss at once are made once, and in few round trips.
func TestEpochsOpenTogether(t *testing.T) {
	redis := redistest.Single(t)
	way := redistest.Proxy(t, redis.Addr())
	s := server(way.Addr())
	s.ReadTimeout = time.Minute
	a := join(t, s, newKeys()).leased(t)
	way.Hang()
	var all sync.WaitGroup
	var begun atomic.Int32
	stamps := make([]cache.Stamp, 100)
	for i := range stamps {
		all.Go(func() {
			stamp := a.epochs.Read(cache.IdentityScope("x"), pool)
			begun.Add(1)
			var err error
			if stamps[i], err = a.Stamp(t.Context(), stamp); err != nil {
				t.Error(err)
			}
		})
	}
	for begun.Load() < 100 {
		runtime.Gosched()
	}
	way.Restore()
	all.Wait()
	_, want := stamps[0].Shared()
	for _, stamp := range stamps {
		if _, got := stamp.Shared(); !slices.Equal(got, want) || !stamp.Agreed() {
			t.Errorf("got epochs %x, want %x as the first", got, want)
		}
	}
	var calls int
	if _, err := fmt.Sscanf(redis.Info("commandstats")["cmdstat_evalsha"], "calls=%d", &calls); err != nil || calls > 50 {
		t.Errorf("scripts run for 100 who missed two epochs: got %d %v, want few", calls, err)
	}
}
