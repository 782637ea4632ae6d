package fleet_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Whose a login is, all brokers know; and whoever tells it learns whether a change
// went between.
func TestOwners(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	login, other := cache.LoginScope("idp", "user"), cache.LoginScope("idp", "other")
	before, err := a.Stamp(ctx, a.epochs.Read(login))
	if err != nil {
		t.Fatal(err)
	}
	owns := func(id string) bool {
		t.Helper()
		epoch, err := a.AddOwner(ctx, login, "p", id)
		if err != nil {
			t.Fatal(err)
		}
		_, stamped := before.Shared()
		return epoch == stamped[0]
	}
	if !owns("i") {
		t.Error("nothing changed: got another epoch, want that of before")
	}
	fence, err := b.epochs.Fence(ctx, login)
	if err != nil {
		t.Fatal(err)
	}
	if owns("j") {
		t.Error("while the login is changed: got the epoch of before, want none")
	}
	if _, err := fence.Done(); err != nil || owns("j") {
		t.Errorf("after a change: got the epoch of before (%v), want another", err)
	}
	got, err := b.Owners(ctx, other, login)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got[1])
	if len(got[0]) != 0 || !slices.Equal(got[1], []string{"i", "j"}) {
		t.Errorf("owners: got %d of a login that nobody told of, and %v; want none, and i and j", len(got[0]), got[1])
	}
}

// Of many owners the latest are remembered.
func TestOwnersAreBounded(t *testing.T) {
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys()).leased(t)
	ctx := t.Context()
	login := cache.LoginScope("idp", "user")
	for n := range 20 {
		if _, err := a.AddOwner(ctx, login, "p", fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.Owners(ctx, login)
	if err != nil {
		t.Fatal(err)
	}
	if len(got[0]) != 16 || slices.Contains(got[0], "3") || !slices.Contains(got[0], "4") {
		t.Errorf("got %v, want the last 16", got[0])
	}
}

// A login has one owner in a pool: one that no answer has named for a while is forgotten when another
// is named there, or when an answer says that it is none; not before, for answers overtake each other.
func TestFormerOwnersAreForgotten(t *testing.T) {
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys()).leased(t)
	login := cache.LoginScope("idp", "user")
	add := func(pool, id string) {
		t.Helper()
		if _, err := a.AddOwner(t.Context(), login, pool, id); err != nil {
			t.Fatal(err)
		}
	}
	drop := func(pool, id string) {
		t.Helper()
		if err := a.DropOwner(t.Context(), login, pool, id); err != nil {
			t.Fatal(err)
		}
	}
	owners := func(want ...string) {
		t.Helper()
		got, err := a.Owners(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got[0])
		if !slices.Equal(got[0], want) {
			t.Errorf("got %v, want %v", got[0], want)
		}
	}
	add("p", "i")
	add("q", "j")
	add("p", "k")
	drop("p", "i")
	owners("i", "j", "k")
	a.FormerAfter = 0
	add("p", "k")
	owners("j", "k")
	drop("p", "j")
	owners("j", "k")
	drop("q", "j")
	drop("q", "j")
	owners("k")
}
