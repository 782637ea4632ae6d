package fleet_test

import (
	"context"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// startPlaces runs a broker's places; ended ends it, and waits.
func startPlaces(t *testing.T, b *broker) (places *fleet.Places, ended func()) {
	t.Helper()
	places = b.Places()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); places.Run(ctx) }()
	ended = func() { cancel(); <-done }
	t.Cleanup(ended)
	return places, ended
}

// What one broker learnt of an identity, all know, until it is said to be gone.
func TestPlaces(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), k)
	writer, _ := startPlaces(t, a)
	reader := b.Places()
	find := func(id string) (fleet.Place, bool) {
		t.Helper()
		place, ok, err := reader.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return place, ok
	}
	await := func(what string, arrived func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !arrived(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not within 10 s", what)
			}
		}
	}
	if place, ok := find("i"); ok {
		t.Errorf("before anything was learnt: got %v, want nothing", place)
	}
	guest, user := fleet.Place{Pool: "p"}, fleet.Place{Pool: "p", Authenticated: true}
	writer.Learn("i", guest)
	await("a guest", func() bool { place, ok := find("i"); return ok && place == guest })
	writer.Learn("i", user)
	await("who is a user now", func() bool { place, _ := find("i"); return place == user })
	writer.Learn("i", guest)
	writer.Learn("j", guest)
	await("another", func() bool { _, ok := find("j"); return ok })
	if place, _ := find("i"); place != user {
		t.Errorf("a user of whom less was told: got %v, want %v", place, user)
	}
	for _, e := range redis.Dump() {
		if life := redis.Client().TTL(t.Context(), e.Key).Val(); life <= 0 || life > 30*24*time.Hour {
			t.Errorf("a key of type %s lives %v, want up to 30 days", e.Type, life)
		}
	}
	writer.Forget("i")
	await("who is gone", func() bool { _, ok := find("i"); return !ok })
}

// What was told before the end is written; what comes when nobody writes is
// dropped, and nobody waits.
func TestPlacesAreBounded(t *testing.T) {
	redis := redistest.Single(t)
	b := join(t, server(redis.Addr()), newKeys())
	places, ended := startPlaces(t, b)
	ended()
	for range 10_000 {
		places.Learn("late", fleet.Place{Pool: "p"})
	}
	again, cancel := context.WithCancel(t.Context())
	cancel()
	places.Run(again)
	if _, ok, err := places.Find(t.Context(), "late"); !ok || err != nil {
		t.Errorf("told before the end: got %v %v, want it written", ok, err)
	}
}
