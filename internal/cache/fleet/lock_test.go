package fleet_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// flightOf is the flight of an identity's key, under the epochs of now.
func (b *broker) flightOf(t testing.TB, id string) cache.Flight {
	t.Helper()
	_, stamp, err := b.find(t.Context(), id)
	if err != nil || !stamp.Agreed() {
		t.Fatalf("the epochs of %s: got %v, and a stamp that tells them: %v", id, err, stamp.Agreed())
	}
	return cache.Flight{Key: keyOf(id), Stamp: stamp}
}

// lock takes the lock of a flight.
func (b *broker) lead(t testing.TB, flight cache.Flight) cache.Lock {
	t.Helper()
	lead, _, err := b.Lock(t.Context(), flight)
	if err != nil || lead == nil {
		t.Fatalf("got no lead, and %v; want one", err)
	}
	return lead
}

// follow finds that another has the lock.
func (b *broker) follow(t testing.TB, flight cache.Flight) cache.LockHolder {
	t.Helper()
	lead, leader, err := b.Lock(t.Context(), flight)
	if err != nil || lead != nil {
		t.Fatalf("got a lead: %v, and %v; want to find another's", lead != nil, err)
	}
	return leader
}

// await waits for the end of a lock.
func (b *broker) await(t testing.TB, flight cache.Flight, leader cache.LockHolder) *cache.Failure {
	t.Helper()
	failure, err := b.Await(t.Context(), flight, leader)
	if err != nil {
		t.Fatal(err)
	}
	return failure
}

var refused = &cache.Failure{Code: "NotAuthorizedException", Message: "Invalid login token.", Tokens: cache.Key{1, 2, 3}}

// One broker of the fleet locks a flight at a time.
func TestOneHoldsTheLock(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), k)
	of := func(b *broker) cache.Flight { return b.flightOf(t, "x") }
	first := a.lead(t, of(a))
	a.follow(t, of(a))
	leader := b.follow(t, of(b))
	if other := b.lead(t, b.flightOf(t, "y")); !other.Release(nil) {
		t.Error("another flight's lead: got lost, want held to its end")
	}
	if !first.Release(nil) {
		t.Error("the lead: got lost, want held to its end")
	}
	if failure := b.await(t, of(b), leader); failure != nil {
		t.Errorf("after an end without a failure: got %v, want none", failure)
	}
	second := b.lead(t, of(b))
	if first.Release(nil) {
		t.Error("a second end: got held, want lost")
	}
	a.follow(t, of(a))
	second.Release(nil)
}

// A failure is left to those who waited for that lock, and sealed.
func TestFailuresReachThoseWhoWait(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), k)
	flight := b.flightOf(t, "x")
	for name, failure := range map[string]*cache.Failure{
		"refused": refused,
		"passing": {Code: "InternalErrorException", Message: "Internal error.", ServerFault: true, BackendDown: true},
	} {
		lead := a.lead(t, a.flightOf(t, "x"))
		leader := b.follow(t, flight)
		lead.Release(failure)
		if got := b.await(t, flight, leader); got == nil || *got != *failure {
			t.Errorf("%s: got %v, want %v", name, got, failure)
		}
		// Whoever asks later finds no lock, and nothing of the earlier one.
		next := a.lead(t, a.flightOf(t, "x"))
		leader = b.follow(t, flight)
		next.Release(nil)
		if got := b.await(t, flight, leader); got != nil {
			t.Errorf("%s, to who did not wait for it: got %v, want nothing", name, got)
		}
	}
	for _, stands := range redis.Dump() {
		for _, text := range []string{"NotAuthorized", "Invalid login token.", "InternalError", "Internal error."} {
			if strings.Contains(stands.String(), text) {
				t.Errorf("in Redis under %s: got %q in clear, want it sealed", stands.Key, text)
			}
		}
	}
}

// A broker that is cut off loses its lock in seconds, and whatever it does then is
// nothing to whoever locks after it.
func TestLocksLapse(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	way := redistest.Proxy(t, redis.Addr())
	a, b := join(t, server(way.Addr()), k), join(t, server(redis.Addr()), k)
	lost := a.lead(t, a.flightOf(t, "x"))
	flight := b.flightOf(t, "x")
	leader := b.follow(t, flight)
	way.Cut()
	if failure := b.await(t, flight, leader); failure != nil {
		t.Errorf("after a lead that lapsed: got %v, want nothing", failure)
	}
	second := b.lead(t, flight)
	if lost.Held() || !second.Held() {
		t.Errorf("held: got %v of the lead that lapsed and %v of the next, want false and true", lost.Held(), second.Held())
	}
	way.Restore()
	a.healthy(t)
	if lost.Release(refused) {
		t.Error("the lead that lapsed: got held, want lost")
	}
	a.follow(t, a.flightOf(t, "x"))
	if failure := b.await(t, flight, leader); failure != nil {
		t.Errorf("from who had lost his lead: got %v, want nothing", failure)
	}
	if !second.Release(nil) {
		t.Error("the lead after it: got lost, want held to its end")
	}
}

// A lock is renewed as long as its flight lasts.
func TestLocksAreRenewed(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lead, _, err := a.Lock(ctx, a.flightOf(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := redis.Client().Keys(t.Context(), "b2:*:l:*").Result()
	if err != nil || len(names) != 1 {
		t.Fatalf("leads in Redis: got %d, %v, want 1", len(names), err)
	}
	left := func() time.Duration {
		d, err := redis.Client().PTTL(t.Context(), names[0]).Result()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for before := left(); ; {
		now := left()
		if now > before {
			break
		}
		if before = now; before < 0 {
			t.Fatal("the lead lapsed, want it renewed")
		}
	}
	if !lead.Held() {
		t.Error("a lead that was renewed: got lost, want held")
	}
	cancel() // the flight's time is over
	leader := a.follow(t, a.flightOf(t, "x"))
	a.await(t, a.flightOf(t, "x"), leader)
	if lead.Release(nil) {
		t.Error("the lead of a flight that ended long ago: got held, want lost")
	}
}

// Whoever lost his lock renews nobody else's, and learns that he lost it.
func TestOnlyOwnLocksAreRenewed(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys())
	lead := a.lead(t, a.flightOf(t, "x"))
	names, err := redis.Client().Keys(t.Context(), "b2:*:l:*").Result()
	if err != nil || len(names) != 1 {
		t.Fatalf("leads in Redis: got %d, %v, want 1", len(names), err)
	}
	if err := redis.Client().Set(t.Context(), names[0], "of another", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	redistest.Until(t, "the lead is not held", func() bool { return !lead.Held() })
	left, err := redis.Client().PTTL(t.Context(), names[0]).Result()
	if err != nil || left < time.Minute {
		t.Errorf("another's lead: got %v left, %v; want it untouched", left, err)
	}
	if lead.Release(refused) {
		t.Error("the lead that was lost: got held to its end")
	}
	if kept, err := redis.Client().Get(t.Context(), names[0]).Result(); kept != "of another" {
		t.Errorf("after its end: got %q, %v, want another's lead untouched", kept, err)
	}
}

// After a fence a flight is another; one that makes the fence itself is not.
func TestFlightsByEpoch(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys()).leased(t)
	before := a.flightOf(t, "x")
	fencing := before
	fencing.Fences = true
	leads := []cache.Lock{a.lead(t, before), a.lead(t, fencing)}
	fence, err := a.epochs.Fence(t.Context(), cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	after := a.flightOf(t, "x")
	leads = append(leads, a.lead(t, after))
	after.Fences = true
	a.follow(t, after)
	// Who waits for a flight of before learns that nobody will keep what it brings.
	if failure := a.await(t, before, a.follow(t, before)); failure != nil {
		t.Errorf("got %v, want nothing", failure)
	}
	for _, lead := range leads {
		lead.Release(nil)
	}
}

func TestAwaitEndsAtItsDeadline(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a := join(t, server(redis.Addr()), k)
	lead := a.lead(t, a.flightOf(t, "x"))
	defer lead.Release(nil)
	flight := a.flightOf(t, "x")
	leader := a.follow(t, flight)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Await(ctx, flight, leader); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the asker's deadline: got %v, want it", err)
	}
	redis.Kill()
	if _, err := a.Await(t.Context(), flight, leader); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("without Redis: got %v, want ErrFleet", err)
	}
	if _, _, err := a.Lock(t.Context(), flight); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("to take a lead without Redis: got %v, want ErrFleet", err)
	}
}
