package fleet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// What another process answers than the one that is confirmed is not taken for its
// epochs: it may have read an old state back from its disk.
func TestEpochsOfAnotherProcessAreNotBelieved(t *testing.T) {
	s := redistest.Single(t)
	where := server(s.Addr())
	where.ReadTimeout, where.WriteTimeout = 10*time.Second, 10*time.Second // on a busy machine
	b := join(t, where, newKeys()).leased(t)
	b.kept(t, "x")
	if found, err := b.found(t, "x"); err != nil || !found {
		t.Fatalf("got %v %v, want the entry", found, err)
	}
	b.ConfirmWrongServer()
	if found, err := b.found(t, "x"); found || !errors.Is(err, cache.ErrFleet) {
		t.Errorf("from another process: got %v %v, want it not available", found, err)
	}
}

// A fence that was given up before it arrived is looked for as long as it may be late: it is
// taken back, and does not last.
func TestFenceThatArrivesAfterItWasGivenUp(t *testing.T) {
	t.Parallel()
	s := redistest.Single(t)
	b := joinWith(t, newKeys(), fleet.Config{Server: server(s.Addr()), Observer: silent{}, FenceLife: time.Hour}).leased(t)
	b.kept(t, "x")
	looked, arrive, given := b.LateFence(t.Context(), cache.IdentityScope("x"), time.Hour)
	<-looked
	if err := arrive(); err != nil {
		t.Fatal(err)
	}
	<-given
	stamp, err := b.Stamp(t.Context(), b.epochs.Read(cache.IdentityScope("x"), pool))
	if err != nil || !stamp.Stands() {
		t.Errorf("after it was given up: got an epoch that is pending (%v), want the fence taken back", err)
	}
	looked, _, given = b.LateFence(t.Context(), cache.IdentityScope("x"), 0)
	<-looked
	<-given // what cannot be late any more is not looked for
	if fleet.LateWithin < time.Second {
		t.Errorf("a fence may be late by %v, want more than a command is held up", fleet.LateWithin)
	}
}
