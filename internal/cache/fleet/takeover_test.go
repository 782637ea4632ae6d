package fleet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// newChain is a pair whose replica has one of its own, so that it is confirmed as soon as it is
// made a master.
func newChain(t *testing.T) pair {
	t.Helper()
	p := newPair(t)
	third := redistest.Single(t)
	follow(t, third, redistest.Proxy(t, p.replica.Addr()))
	redistest.Until(t, "the replica's replica is linked", func() bool {
		return strings.Contains(p.replica.Info("replication")["slave0"], "state=online")
	})
	return p
}

// A master that is cut off and loses a fence is believed for a moment by those who still reach
// it. Its replica knows the fence and takes over: when the fence has ended there, nobody serves
// from memory what the one before let him keep.
func TestTakeoverWithinAFence(t *testing.T) {
	t.Parallel() // it waits for leases
	p, k := newChain(t), newKeys()
	way := redistest.Proxy(t, p.master.Addr())
	changes := join(t, replicated(way.Addr()), k).leased(t)
	reads := join(t, replicated(p.master.Addr()), k).leased(t)
	settle(t, changes)
	reads.kept(t, "x")
	fence, err := changes.epochs.Fence(t.Context(), cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	p.link.Cut()
	forgetEpochs(t, p.master)
	promote(t, p.replica)
	way.Lead(p.replica.Addr())
	redistest.Until(t, "the new master is known", func() bool {
		stamp, err := changes.Stamp(t.Context(), changes.epochs.Read(cache.IdentityScope("other")))
		return err == nil && stamp.Agreed()
	})
	if _, stamp, err := reads.find(t.Context(), "x"); err == nil { // else that moment is over
		_ = reads.save(t.Context(), "x", "old", stamp)
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	reads.lacks(t, "after the change")
}

// forgetEpochs deletes a server's epochs, as an eviction may.
func forgetEpochs(t *testing.T, s *redistest.Server) {
	t.Helper()
	names, err := s.Client().Keys(t.Context(), "*:v").Result()
	if err != nil || len(names) == 0 {
		t.Fatalf("got %v and %d epochs", err, len(names))
	}
	if err := s.Client().Del(t.Context(), names...).Err(); err != nil {
		t.Fatal(err)
	}
}

// Whoever goes by the master before may keep what that says after he has acknowledged a change:
// so a change at a master that took over is announced again when nobody goes by it any more.
func TestAnnouncedAgainAfterATakeover(t *testing.T) {
	t.Parallel() // it waits for leases
	p, k := newChain(t), newKeys()
	p.link.Cut()
	promote(t, p.replica)
	hears := join(t, replicated(p.replica.Addr()), k)
	heard := make(chan time.Time, 16)
	hears.OnInvalidation(func(...cache.Scope) { heard <- time.Now() })
	changes := join(t, replicated(p.replica.Addr()), k).leased(t)
	hears.leased(t)
	fence, err := changes.epochs.Fence(t.Context(), cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(heard); n < 2 {
		t.Fatalf("heard %d announcements before the change, want 2", n)
	}
	first, again := <-heard, <-heard
	if apart := again.Sub(first); apart < 1900*time.Millisecond {
		t.Errorf("announced again after %s, want as long as a master is believed", apart)
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	settle(t, changes)
	for len(heard) > 0 {
		<-heard
	}
	changes.change(t, cache.IdentityScope("x"))
	if n := len(heard); n != 1 {
		t.Errorf("at a master that has been one for long: heard %d announcements of a change, want 1", n)
	}
}
