package fleet_test

import (
	"fmt"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// begin begins a change that this process's own memory takes no notice of: what is seen of
// it is what Redis tells.
func begin(t testing.TB, by *fleet.Fleet, scopes ...cache.Scope) cache.SharedFence {
	t.Helper()
	c, err := by.BeginFence(t.Context(), scopes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// finish ends a change: done, or cancelled.
func finish(t testing.TB, c cache.SharedFence, done bool) []cache.Epoch {
	t.Helper()
	if !done {
		if err := c.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		return nil
	}
	epochs, err := c.Done(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return epochs
}

// What a change brought is kept under the epochs that it opened, unless another change of
// its scopes overlapped it: then that may have come after what it brought.
func TestChangesThatOverlapBringNothing(t *testing.T) {
	t.Parallel()
	redis, k := redistest.Single(t), newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	settle(t, a)
	for name, c := range map[string]struct {
		other         bool // a change of another identity
		before, after bool // it began before, and ends after
		done          bool // else it is cancelled
		brings        bool
	}{
		"within":                      {done: true},
		"within, cancelled":           {},
		"begun before":                {before: true, done: true},
		"ends after":                  {after: true, done: true},
		"around":                      {before: true, after: true, done: true},
		"of another identity, within": {other: true, done: true, brings: true},
		"of another identity, around": {other: true, before: true, after: true, done: true, brings: true},
	} {
		scope := cache.IdentityScope(name)
		theirs := scope
		if c.other {
			theirs = cache.IdentityScope("other than " + name)
		}
		var ours, overlaps cache.SharedFence
		if c.before {
			overlaps = begin(t, b.Fleet, theirs)
		}
		if ours = begin(t, a.Fleet, scope); overlaps == nil {
			overlaps = begin(t, b.Fleet, theirs)
		}
		if !c.after {
			finish(t, overlaps, c.done)
		}
		if got := len(finish(t, ours, true)); (got == 1) != c.brings {
			t.Errorf("%s: got %d epochs to keep under, want some: %v", name, got, c.brings)
		}
		if c.after {
			finish(t, overlaps, c.done)
		}
	}
	// Several scopes are kept under together, or not at all.
	ours, theirs := begin(t, a.Fleet, "i/p", "i/q"), begin(t, b.Fleet, "i/q")
	finish(t, theirs, true)
	if got := finish(t, ours, true); got != nil {
		t.Errorf("a change of two scopes, one of which another changed: got %d epochs, want none", len(got))
	}
}

// A fence that Redis does not know any more has ended already: that it is cancelled ends
// nothing that was kept since.
func TestCancelOfAFenceThatIsGone(t *testing.T) {
	t.Parallel()
	redis, k := redistest.Single(t), newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	settle(t, a)
	for name, lose := range map[string]func(id string){
		"lapsed":  func(string) { lapse(t, redis) },
		"evicted": func(id string) { redis.Client().Del(t.Context(), a.EpochName(cache.IdentityScope(id))) },
	} {
		gone := begin(t, a.Fleet, cache.IdentityScope(name))
		lose(name)
		b.kept(t, name)
		finish(t, gone, false)
		if found, err := b.found(t, name); !found || err != nil {
			t.Errorf("%s, then cancelled: got %v %v, want what was kept since", name, found, err)
		}
		if note := a.EpochName(cache.IdentityScope(name)) + "f"; name == "evicted" && redis.Client().Exists(t.Context(), note).Val() != 0 {
			t.Errorf("%s, then cancelled: got a note of a change that ended, want none", name)
		}
	}
}

// A server that was no master meanwhile may not know of a change that was made since a
// fence began: when that is cancelled, nothing of before is put back.
func TestCancelUnderAnotherMaster(t *testing.T) {
	for name, c := range map[string]struct{ replaced, known bool }{
		"the same master": {}, "another master": {true, false}, "another master that is known": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replaced := c.replaced
			s, k := redistest.Single(t), newKeys()
			b := join(t, server(s.Addr()), k).leased(t)
			b.kept(t, "x")
			if found, err := b.found(t, "x"); !found || err != nil {
				t.Fatalf("before: got %v %v, want the entry", found, err)
			}
			fence := begin(t, b.Fleet, cache.IdentityScope("x"))
			if replaced {
				if err := s.Client().ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
					t.Fatal(err)
				}
				promote(t, s)
			}
			if c.known {
				redistest.Until(t, "a fence at the other master", func() bool {
					other, err := b.BeginFence(t.Context(), []cache.Scope{cache.IdentityScope("y")})
					return err == nil && other.Cancel(t.Context()) == nil
				})
			}
			finish(t, fence, false)
			if replaced {
				revive(t, s, b.EpochName(pool)) // that of the former master hides the entry too
			}
			late := join(t, server(s.Addr()), k).leased(t) // it believes no former master
			if found, err := late.found(t, "x"); err != nil || found == replaced {
				t.Errorf("got the entry: %v (%v), want %v", found, err, !replaced)
			}
		})
	}
}

// revive makes an epoch one of the present master term, as no broker does.
func revive(t *testing.T, s *redistest.Server, name string) {
	t.Helper()
	epoch := s.Client().Get(t.Context(), name).Val()
	if len(epoch) != 32 {
		t.Fatalf("got an epoch of %d bytes, want 32", len(epoch))
	}
	replid := s.Info("replication")["master_replid"][:16]
	if err := s.Client().Set(t.Context(), name, epoch[:16]+replid, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// The uses of a scope are forgotten when its fences lapsed, as when one ended: what they
// renewed may be of before a change.
func TestLapsedFenceDeletesRenewalRequests(t *testing.T) {
	t.Parallel()
	redis, c := redistest.Single(t), newClock()
	p := plan(t, server(redis.Addr()), newKeys(), c)
	x, err := p.entry(t.Context(), "x", c.now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		p.told(t, once(fmt.Sprint("x", n), x, c.now))
	}
	begin(t, p.Fleet, cache.IdentityScope("x")) // whose broker dies
	lapse(t, redis)
	if got := requests(t, redis); got != 3 {
		t.Fatalf("while nobody asks: got %d renewal requests, want three", got)
	}
	if stamp, err := p.Stamp(t.Context(), p.epochs.Read(cache.IdentityScope("x"), pool)); err != nil || !stamp.Agreed() {
		t.Fatalf("got no epoch (%v), want a new one", err)
	}
	if got := requests(t, redis) + names(t, redis, "b2:*:u"); got != 0 {
		t.Errorf("under a new epoch: got %d names of what was renewed, want none", got)
	}
}

// What an exchange brought under a fence is not kept, whichever of its scopes is fenced:
// nothing of it is found under that fence, or after it.
func TestNothingIsKeptUnderAFence(t *testing.T) {
	t.Parallel()
	redis, k := redistest.Single(t), newKeys()
	b := join(t, server(redis.Addr()), k).leased(t)
	settle(t, b)
	for name, scope := range map[string]cache.Scope{"of the identity": cache.IdentityScope("x"), "of the pool": pool} {
		fence := begin(t, b.Fleet, scope)
		b.kept(t, "x")
		if got := names(t, redis, "b2:*:c:*"); got != 0 {
			t.Errorf("under a fence %s: got %d entries in Redis, want none", name, got)
		}
		finish(t, fence, false)
	}
}
