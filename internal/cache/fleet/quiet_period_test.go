package fleet_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// An identity that an answer names is stamped, unless a change of it ended since the
// call began, or goes on.
func TestQuietPeriod(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	stands := func(id string, since time.Duration) bool {
		t.Helper()
		stamp, err := a.StampQuiet(ctx, a.epochs.Read(cache.IdentityScope(id)), since)
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
	if stands("changed", 0) {
		t.Error("for a call that began at once after a change, by clocks that run apart: got a stamp, want none")
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
func TestQuietPeriodAfterALapse(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	a := join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	scope := cache.IdentityScope("x")
	fence, err := a.epochs.Fence(ctx, scope)
	if err != nil {
		t.Fatal(err)
	}
	fence.LeavePending()
	lapse(t, redis)
	for range 2 {
		if stamp, err := a.StampQuiet(ctx, a.epochs.Read(scope), time.Second); err != nil || stamp.Stands() {
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
		if e.Type != "string" || !strings.HasSuffix(e.Key, "}:v") {
			continue
		}
		passed := []byte(e.Values[0])
		for at := 32 + 16; at < len(passed); at += 24 {
			if deadline := binary.BigEndian.Uint64(passed[at:]); deadline != 0 { // else no fence's
				binary.BigEndian.PutUint64(passed[at:], 1)
			}
		}
		if err := redis.Client().Set(t.Context(), e.Key, passed, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// A full server may evict that a change has ended, and keep all else: what it cannot
// know it does not tell.
func TestQuietPeriodAfterAnEviction(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t, redistest.Arg("maxmemory-policy", "volatile-ttl"), redistest.Arg("maxmemory-samples", "64"))
	a := join(t, server(redis.Addr()), newKeys()).leased(t)
	ctx, scope := t.Context(), cache.IdentityScope("x")
	a.change(t, scope)
	note := a.rootOf(scope) + "f"
	if got := redis.Client().Del(ctx, note).Val(); got != 1 {
		t.Fatalf("notes of the change's end: got %d, want one", got)
	}
	for n := range 100 { // of them some are evicted in its place: what lives shortest goes first
		redis.Client().Set(ctx, fmt.Sprint("other", n), make([]byte, 100_000), time.Minute)
	}
	redis.Config("maxmemory", redis.Info("memory")["used_memory"])
	for redis.Info("stats")["evicted_keys"] == "0" {
		redis.Client().Set(ctx, "another", make([]byte, 100_000), time.Minute)
	}
	redis.Config("maxmemory", "0")
	if redis.Client().Exists(ctx, a.EpochName(scope)).Val() == 0 {
		t.Fatal("the epoch is gone too: the test shows nothing")
	}
	if stamp, err := a.StampQuiet(ctx, a.epochs.Read(scope), time.Second); err != nil || stamp.Stands() {
		t.Errorf("got a stamp that stands: %v, %v; want none", stamp.Stands(), err)
	}
	if stamp, err := a.StampQuiet(ctx, a.epochs.Read("i/another"), time.Second); err != nil || stamp.Stands() {
		t.Errorf("of an identity that may have been changed likewise: got a stamp that stands: %v, %v; want none", stamp.Stands(), err)
	}
}

// Nor does a server know what ended before it was started, or emptied.
func TestQuietPeriodAfterALoss(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*redistest.Server){
		"emptied":   (*redistest.Server).FlushAll,
		"restarted": func(s *redistest.Server) { s.Kill(); s.Start() },
	} {
		t.Run(name, func(t *testing.T) {
			redis := redistest.Single(t)
			a := join(t, server(redis.Addr()), newKeys()).leased(t)
			scope := cache.IdentityScope("x")
			a.change(t, scope)
			lose(redis)
			var stamp cache.Stamp
			redistest.Until(t, "an answer", func() (came bool) {
				var err error
				stamp, err = a.StampQuiet(t.Context(), a.epochs.Read(scope), time.Minute)
				return err == nil
			})
			if stamp.Stands() {
				t.Error("got a stamp that stands, want none")
			}
		})
	}
}
