package fleet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// What another process answers than the one that is believed is not taken for its
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
	b.Mistake()
	if found, err := b.found(t, "x"); found || !errors.Is(err, cache.ErrFleet) {
		t.Errorf("from another process: got %v %v, want it not available", found, err)
	}
}

// A fence that was given up before it arrived is looked for until it cannot arrive any
// more: it is taken back, and does not last.
func TestFenceThatArrivesAfterItWasGivenUp(t *testing.T) {
	t.Parallel() // it waits
	s := redistest.Single(t)
	where := server(s.Addr())
	where.ReadTimeout, where.WriteTimeout = 10*time.Second, 10*time.Second // on a busy machine
	b := joinWith(t, newKeys(), fleet.Config{Server: where, Observer: silent{}, Pending: time.Hour}).leased(t)
	b.kept(t, "x")
	for range 20 {
		began := time.Now()
		arrive, given := b.LateFence(t.Context(), cache.IdentityScope("x"))
		time.Sleep(200 * time.Millisecond) // longer than the first look takes
		if err := arrive(); err != nil {
			t.Fatal(err)
		}
		onTime := time.Since(began) < time.Second
		<-given
		if !onTime {
			s.FlushAll() // the machine is busy: once more
			b.well(t).leased(t).kept(t, "x")
			continue
		}
		stamp, err := b.Stamp(t.Context(), b.epochs.Read(cache.IdentityScope("x"), pool))
		if err != nil || !stamp.Stands() {
			t.Errorf("after it was given up: got an epoch that is pending (%v), want the fence taken back", err)
		}
		return
	}
	t.Skip("the machine is too busy to have it arrive in time")
}
