package fleet_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Epochs outlive the longest entry that rests on them, from its last write on: one
// that ended first would be made anew, and the entry lost.
func TestEpochsOutliveEntries(t *testing.T) {
	redis := redistest.Single(t)
	b := join(t, server(redis.Addr()), newKeys())
	names := func(pattern string) []string {
		t.Helper()
		found, err := redis.Client().Keys(t.Context(), pattern).Result()
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: got %d names, %v", pattern, len(found), err)
		}
		return found
	}
	_, stamp, err := b.find(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names("b2:*}:v") { // as when the exchange took long
		if err := redis.Client().Expire(t.Context(), name, 13*time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
	const longest = 12 * time.Hour
	e := &cache.Entry{Issued: time.Now(), Stamp: stamp, Credentials: cache.Credentials{IdentityID: "x", Expires: time.Now().Add(longest)}}
	if err := b.Store(t.Context(), keyOf("x"), e); err != nil {
		t.Fatal(err)
	}
	if left := redis.Client().PTTL(t.Context(), names("b2:*}:c:*")[0]).Val(); left <= longest-time.Hour || left > longest {
		t.Errorf("the entry: got %v left, want its credentials' life", left)
	}
	home := 0
	for _, name := range names("b2:*}:v") {
		if left := redis.Client().PTTL(t.Context(), name).Val(); left <= longest {
			t.Errorf("an epoch: got %v left, want more than the entry", left)
		} else if left > 2*longest {
			home++
		}
	}
	if home != 1 {
		t.Errorf("got %d epochs that live on since the entry was stored, want its home's", home)
	}
}

// A command ends with the request that it is for, whatever time the server has.
func TestDeadlinesEndCommands(t *testing.T) {
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	slow := server(link.Addr())
	slow.ReadTimeout, slow.WriteTimeout = time.Hour, time.Hour
	b := join(t, slow, newKeys()).leased(t)
	flight := b.flightOf(t, "x")
	link.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := b.Lock(ctx, flight); !errors.Is(err, cache.ErrFleet) { // it does not return otherwise
		t.Errorf("got %v, want the fleet not available", err)
	}
	link.Restore()
}
