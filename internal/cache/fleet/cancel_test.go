package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Whatever fences two brokers open over an identity, and in which order they end: while one
// is open its entry is not served, and afterwards it is by both, if and only if all that
// overlapped were cancelled.
func TestCancelledFences(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	brokers := []*broker{join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)}
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		ctx, id := t.Context(), fmt.Sprint("identity ", n)
		_, stamp, err := brokers[0].find(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := brokers[0].save(ctx, id, "secret", stamp); err != nil {
			t.Fatal(err)
		}
		var open []*cache.Fence
		ended := false
		t.Repeat(map[string]func(*rapid.T){
			"fence": func(t *rapid.T) {
				by := rapid.SampledFrom(brokers).Draw(t, "by")
				fence, err := by.epochs.Fence(ctx, cache.IdentityScope(id))
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, fence)
			},
			"end": func(t *rapid.T) {
				if len(open) == 0 {
					return
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				if rapid.IntRange(0, 3).Draw(t, "how") == 0 {
					ended = true
					if _, err := open[i].Done(); err != nil {
						t.Fatal(err)
					}
				} else {
					open[i].Cancel()
				}
				open = slices.Delete(open, i, i+1)
			},
			"": func(t *rapid.T) {
				for i, b := range brokers {
					entry, _, err := b.find(ctx, id)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := entry != nil, !ended && len(open) == 0; got != want {
						t.Fatalf("broker %d with %d open fences, one ended otherwise: %v: got an entry %v, want %v", i, len(open), ended, got, want)
					}
				}
			},
		})
		for _, fence := range open {
			fence.Cancel()
		}
	})
}

// Fences that were cancelled leave nothing in Redis: neither one over what it never heard
// of, nor two that cross.
func TestCancelledFencesLeaveNothing(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	b := join(t, server(redis.Addr()), k).leased(t)
	keys := func() []string {
		all := redis.Client().Keys(t.Context(), "*").Val()
		slices.Sort(all)
		return all
	}
	fence := func(scopes ...cache.Scope) *cache.Fence {
		f, err := b.epochs.Fence(t.Context(), scopes...)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	fence(cache.IdentityScope("first")).Cancel() // what a fleet has once
	before := keys()
	for n := range 50 {
		x, y := cache.IdentityScope(fmt.Sprint("x", n)), cache.LoginScope("p", fmt.Sprint(n))
		one, other := fence(x, y), fence(y)
		one.Cancel()
		other.Cancel()
	}
	if after := keys(); !slices.Equal(before, after) {
		t.Errorf("got keys %q, want %q", after, before)
	}
}

// A fence that lapsed may have been around a change that was made: those that overlapped it
// and were cancelled put nothing back.
func TestCancelAfterALapse(t *testing.T) {
	for name, lapsed := range map[string]bool{"lapsed": true, "cancelled": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Single(t)
			k := newKeys()
			a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
			ctx, scope := t.Context(), cache.IdentityScope("x")
			_, stamp, err := a.find(ctx, "x")
			if err != nil {
				t.Fatal(err)
			}
			if err := a.save(ctx, "x", "secret", stamp); err != nil {
				t.Fatal(err)
			}
			dead, err := a.epochs.Fence(ctx, scope)
			if err != nil {
				t.Fatal(err)
			}
			if lapsed {
				dead.LeavePending()
				lapse(t, redis)
			}
			live, err := b.epochs.Fence(ctx, scope)
			if err != nil {
				t.Fatal(err)
			}
			live.Cancel()
			dead.Cancel()
			if entry, _, err := b.find(ctx, "x"); err != nil || (entry != nil) == lapsed {
				t.Errorf("got an entry %v (%v), want %v", entry != nil, err, !lapsed)
			}
		})
	}
}

// Find tells a fence that is open from an entry that there is not: over what the call names
// and over what only the entry tells that it rests on.
func TestFoundFenced(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx, login, identity := t.Context(), cache.LoginScope("p", "alice"), cache.IdentityScope("x")
	stamp, err := a.Stamp(ctx, a.epochs.Read(login, pool, identity))
	if err != nil {
		t.Fatal(err)
	}
	e := &cache.Entry{Issued: time.Now(), Stamp: stamp, Credentials: cache.Credentials{IdentityID: "x", Expires: time.Now().Add(time.Hour)}}
	if err := a.Store(ctx, keyOf("alice"), e); err != nil {
		t.Fatal(err)
	}
	find := func(key cache.Key) cache.Found {
		found, err := b.Find(ctx, key, b.epochs.Read(login, pool), b.epochs.Read, false)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for name, scope := range map[string]cache.Scope{"what is named": login, "its pool": pool, "what it rests on": identity} {
		if found := find(keyOf("alice")); found.Entry == nil || found.Fenced {
			t.Errorf("%s: before the fence got an entry %v, fenced %v", name, found.Entry != nil, found.Fenced)
		}
		fence, err := a.epochs.Fence(ctx, scope)
		if err != nil {
			t.Fatal(err)
		}
		if found := find(keyOf("alice")); found.Entry != nil || !found.Fenced {
			t.Errorf("%s: under the fence got an entry %v, fenced %v; want none, fenced", name, found.Entry != nil, found.Fenced)
		}
		fence.Cancel()
	}
	lingers, err := a.epochs.Fence(ctx, identity)
	if err != nil {
		t.Fatal(err)
	}
	redistest.Until(t, "a fence that is no longer of a moment ago", func() bool {
		found := find(keyOf("alice"))
		return found.Entry == nil && !found.Fenced
	})
	lingers.Cancel()
	if found := find(keyOf("alice")); found.Entry == nil {
		t.Error("after a fence that lingered, and was cancelled: got no entry")
	}
	if found := find(keyOf("bob")); found.Entry != nil || found.Fenced {
		t.Error("nobody's entry: got one, or a fence")
	}
	fence, err := a.epochs.Fence(ctx, identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	if found := find(keyOf("alice")); found.Entry != nil || found.Fenced {
		t.Error("after a change: got an entry, or a fence")
	}
}
