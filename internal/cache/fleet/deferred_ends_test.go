package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// What ends later is taken over by one broker where it is long due and nobody has put it off, and
// forgotten once it has ended, unless it was put off meanwhile.
func TestDeferredEnds(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	put := func(in time.Duration, scopes ...cache.Scope) {
		t.Helper()
		var ends []cache.DeferredEnd
		for _, s := range scopes {
			ends = append(ends, cache.DeferredEnd{Scope: s, Identity: "id of " + string(s)})
		}
		if err := a.PutDeferredEnds(ctx, "", ends, in); err != nil {
			t.Fatal(err)
		}
	}
	taken := func(late time.Duration, want ...string) {
		t.Helper()
		ends, err := b.TakeOverDeferredEnds(ctx, late)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, end := range ends {
			got = append(got, fmt.Sprint(end.Scope, "/", end.Identity))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("late by %v: got %q, want %q", late, got, want)
		}
	}
	drop := func(scopes ...cache.Scope) {
		t.Helper()
		if err := b.DropDeferredEnds(ctx, "", scopes); err != nil {
			t.Fatal(err)
		}
	}
	before := size(t, redis)
	put(-time.Hour, "x", "y")
	put(time.Hour, "z")
	taken(2 * time.Hour)
	taken(time.Minute, "x/id of x", "y/id of y")
	taken(time.Minute) // taken over, a moment ago
	taken(-2*time.Hour, "x/id of x", "y/id of y", "z/id of z")
	put(time.Hour, "y") // put off
	drop("x", "y", "nobody")
	taken(-2*time.Hour, "y/id of y", "z/id of z")
	drop("y")
	drop("z")
	if left := size(t, redis); left != before {
		t.Errorf("got %d keys, want the %d that were there before", left, before)
	}
}

// Nobody takes them for anything else that is due in the fleet, and what is forgotten of one call, or by
// another broker, is not forgotten of others.
func TestDeferredEndsAreNobodyElses(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx, x := t.Context(), []cache.DeferredEnd{{Scope: "x", Identity: "id"}}
	for _, call := range []string{"", "1", "2"} {
		if err := a.PutDeferredEnds(ctx, call, x, -time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if claims, err := b.ClaimRenewals(ctx, 16, time.Minute); err != nil || len(claims.Claimed) > 0 {
		t.Fatalf("renewals: got %v %v, want none", claims, err)
	}
	drop := func(who *broker, call string) {
		t.Helper()
		if err := who.DropDeferredEnds(ctx, call, []cache.Scope{"x"}); err != nil {
			t.Fatal(err)
		}
	}
	drop(b, "")
	drop(b, "2")
	drop(a, "1")
	if ends, err := b.TakeOverDeferredEnds(ctx, 30*time.Second); err != nil || len(ends) != 2 || ends[0] != x[0] {
		t.Errorf("got %v %v, want those of the other call, and of several", ends, err)
	}
}

func size(t *testing.T, s *redistest.Server) int64 {
	t.Helper()
	n, err := s.Client().DBSize(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// They are bounded.
func TestDeferredEndsAreBounded(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys()).leased(t)
	var ends []cache.DeferredEnd
	for n := range 10_100 {
		ends = append(ends, cache.DeferredEnd{Scope: cache.Scope(fmt.Sprint(n)), Identity: "id"})
	}
	for some := range slices.Chunk(ends, 1000) {
		if err := a.PutDeferredEnds(t.Context(), "", some, -time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for {
		some, err := a.TakeOverDeferredEnds(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		if len(some) > 60 {
			t.Fatalf("got %d at once, want at most 60", len(some))
		}
		seen += len(some)
	}
	if seen != 10_000 {
		t.Errorf("got %d, want 10,000", seen)
	}
}
