package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// What one broker learnt of an identity, all know, until it is said to be gone.
func TestIdentities(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), k)
	writer, reader := a.Identities(), b.Identities()
	run(t, writer)
	find := func(id string) (fleet.IdentityFacts, bool) {
		t.Helper()
		place, ok, err := reader.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return place, ok
	}
	if place, ok := find("i"); ok {
		t.Errorf("before anything was learnt: got %v, want nothing", place)
	}
	guest, user := fleet.IdentityFacts{Pool: "p"}, fleet.IdentityFacts{Pool: "p", Authenticated: true}
	writer.Learn("i", guest)
	await(t, "a guest", func() bool { place, ok := find("i"); return ok && place == guest })
	writer.Learn("i", user)
	await(t, "who is a user now", func() bool { place, _ := find("i"); return place == user })
	writer.Learn("i", guest)
	writer.Learn("j", guest)
	await(t, "another", func() bool { _, ok := find("j"); return ok })
	if place, _ := find("i"); place != user {
		t.Errorf("a user of whom less was told: got %v, want %v", place, user)
	}
	for _, e := range redis.Dump() {
		if life := redis.Client().TTL(t.Context(), e.Key).Val(); life <= 0 || life > 30*24*time.Hour || strings.HasSuffix(e.Key, "}:p") && life < 30*24*time.Hour-time.Hour {
			t.Errorf("a key of type %s lives %v, want up to 30 days, and a place all of them", e.Type, life)
		}
	}
	writer.Forget("i")
	await(t, "who is gone", func() bool { _, ok := find("i"); return !ok })
}

// Nobody waits for a writer: what is too much is not taken, and the rest is written
// when there is one.
func TestIdentitiesAreBounded(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	b := join(t, server(redis.Addr()), newKeys())
	places := b.Identities()
	n := 0
	for ; n < 10_000 && places.Learn(fmt.Sprint(n), fleet.IdentityFacts{Pool: "p"}); n++ {
	}
	if n == 0 || n == 10_000 {
		t.Fatalf("with nobody to write: got %d taken, want some and an end", n)
	}
	run(t, places)
	await(t, "the last", func() bool {
		_, ok, err := places.Find(t.Context(), fmt.Sprint(n-1))
		return ok && err == nil
	})
	if got := len(redis.Dump()); got < n {
		t.Errorf("got %d keys, want %d places", got, n)
	}
}

// run runs places until the test ends.
func run(t *testing.T, places *fleet.Identities) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); places.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// await asks again and again until something has arrived.
func await(t *testing.T, what string, arrived func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !arrived(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
