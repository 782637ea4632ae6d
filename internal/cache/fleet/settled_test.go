package fleet_test

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// An identity that an answer names is stamped, unless a change of it ended since the
// call began, or goes on.
func TestSettled(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	stands := func(id string, since time.Duration) bool {
		t.Helper()
		stamp, err := a.Settled(ctx, a.epochs.Read(cache.IdentityScope(id)), since)
		if err != nil {
			t.Fatal(err)
		}
		return stamp.Stands()
	}
	for range 2 {
		if !stands("quiet", time.Second) {
			t.Error("nothing changed: got no stamp, want one")
		}
	}
	fence, err := b.epochs.Fence(ctx, cache.IdentityScope("changed"))
	if err != nil {
		t.Fatal(err)
	}
	if stands("changed", time.Second) {
		t.Error("while a change goes on: got a stamp, want none")
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	if stands("changed", time.Second) {
		t.Error("after a change: got a stamp, want none")
	}
	unchanged, err := b.epochs.Fence(ctx, cache.IdentityScope("quiet"))
	if err != nil {
		t.Fatal(err)
	}
	unchanged.Cancel()
	await(t, "a stamp after a fence around no change", func() bool { return stands("quiet", time.Second) }) // the announcement may come late
	if stands("quiet", time.Hour) {
		t.Error("for a call that began longer ago than is remembered: got a stamp, want none")
	}
}

// A change whose broker died counts until its fence has lapsed, and then as ended.
func TestSettledAfterALapse(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a := join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	scope := cache.IdentityScope("x")
	fence, err := a.epochs.Fence(ctx, scope)
	if err != nil {
		t.Fatal(err)
	}
	fence.Leave()
	lapse(t, redis)
	for range 2 {
		if stamp, err := a.Settled(ctx, a.epochs.Read(scope), time.Second); err != nil || stamp.Stands() {
			t.Errorf("after a lapse: got a stamp that stands: %v, %v; want none", stamp.Stands(), err)
		}
		if stamp, err := a.Stamp(ctx, a.epochs.Read(scope)); err != nil || !stamp.Stands() {
			t.Errorf("an epoch after a lapse: got %v, want one", err)
		}
	}
}

// lapse lets the deadlines of all fences pass, as time would.
func lapse(t *testing.T, redis *redistest.Server) {
	t.Helper()
	for _, e := range redis.Dump() {
		if e.Type != "string" || len(e.Values[0]) != 32+24 {
			continue
		}
		passed := e.Values[0][:48] + "\x00\x00\x00\x00\x00\x00\x00\x01"
		if err := redis.Client().Set(t.Context(), e.Key, passed, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
