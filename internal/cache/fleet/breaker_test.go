package fleet_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet"
)

// told tells a breaker outcomes, of which it must admit every one.
func told(t *testing.T, b fleet.Breaker, outcomes ...error) {
	t.Helper()
	for i, outcome := range outcomes {
		done, err := b.Allow(false)
		if err != nil {
			t.Fatalf("command %d: got %v, want it admitted", i, err)
		}
		done(outcome)
	}
}

// of is n outcomes.
func of(n int, outcome error) []error {
	all := make([]error, n)
	for i := range all {
		all[i] = outcome
	}
	return all
}

// A breaker opens when half of a few fail, and not for a few among many.
func TestBreakerTrips(t *testing.T) {
	for _, test := range []struct {
		name                      string
		successes, nothings, bads int
		open                      bool
	}{
		{"fewer than the floor", 0, 0, fleet.MinFailures - 1, false},
		{"the floor", 0, 0, fleet.MinFailures, true},
		{"as many as succeeded", fleet.MinFailures, 0, fleet.MinFailures, true},
		{"fewer than succeeded", fleet.MinFailures + 1, 0, fleet.MinFailures, false},
		{"a blip", 1000, 0, 100, false},
		{"what says nothing does not count", 0, 100, fleet.MinFailures - 1, false},
		{"nor for the server", fleet.MinFailures, 100, fleet.MinFailures, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := fleet.NewBreaker(true)
			told(t, b, of(test.successes, nil)...)
			told(t, b, of(test.nothings, fleet.ErrNothing)...)
			told(t, b, of(test.bads, fleet.ErrFailed)...)
			if got := b.Open(); got != test.open {
				t.Errorf("%s: got open: %v, want %v", test.name, got, test.open)
			}
		})
	}
}

// What was long ago does not count.
func TestBreakerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := fleet.NewBreaker(true)
		told(t, b, of(1000, nil)...)
		time.Sleep(2 * fleet.TripWindow)
		told(t, b, of(fleet.MinFailures-1, fleet.ErrFailed)...)
		time.Sleep(2 * fleet.TripWindow)
		told(t, b, of(fleet.MinFailures-1, fleet.ErrFailed)...)
		if b.Open() {
			t.Error("failures apart: got open, want closed")
		}
		told(t, b, fleet.ErrFailed)
		if !b.Open() {
			t.Error("failures together, after many successes long ago: got closed, want open")
		}
	})
}

// tripped is an open breaker.
func tripped(t *testing.T, signed bool) fleet.Breaker {
	t.Helper()
	b := fleet.NewBreaker(signed)
	told(t, b, of(fleet.MinFailures, fleet.ErrFailed)...)
	return b
}

// refuses reports whether a breaker admits nothing but what is urgent.
func refuses(b fleet.Breaker) bool {
	done, err := b.Allow(false)
	if err == nil {
		done(fleet.ErrNothing)
	}
	return errors.Is(err, fleet.ErrBreakerOpen)
}

// sign has a breaker learn of an urgent command's outcome.
func sign(t *testing.T, b fleet.Breaker, outcome error) {
	t.Helper()
	done, err := b.Allow(true)
	if err != nil {
		t.Fatalf("an urgent command: got %v, want it admitted", err)
	}
	done(outcome)
}

// An open breaker admits nobody until what is urgent finds life; then a few, which
// decide.
func TestBreakerReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tripped(t, true)
		for range 10 {
			time.Sleep(2 * fleet.OpenFor)
			sign(t, b, fleet.ErrFailed)
			sign(t, b, fleet.ErrNothing)
			if !refuses(b) {
				t.Fatal("without a sign of life: got a command admitted, want none")
			}
		}
		sign(t, b, nil)
		var trials []func(error)
		for range fleet.ProbesToClose {
			done, err := b.Allow(false)
			if err != nil {
				t.Fatalf("a trial: got %v, want it admitted", err)
			}
			trials = append(trials, done)
		}
		if !refuses(b) {
			t.Error("during the trials: got another admitted, want none")
		}
		trials[0](fleet.ErrFailed)
		time.Sleep(2 * fleet.OpenFor)
		if !refuses(b) {
			t.Error("after a trial that failed: got a command admitted, want none without another sign")
		}
		sign(t, b, nil)
		told(t, b, of(fleet.ProbesToClose, nil)...)
		if b.Open() {
			t.Error("after trials that succeeded: got open, want closed")
		}
	})
}

// Where nobody else asks, what is urgent closes a breaker.
func TestBreakerReturnsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tripped(t, true)
		time.Sleep(2 * fleet.OpenFor)
		for range 1 + fleet.ProbesToClose {
			sign(t, b, nil)
		}
		if b.Open() {
			t.Error("got open, want closed")
		}
	})
}

// One that needs no sign of life tries after a rest.
func TestBreakerRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tripped(t, false)
		if !refuses(b) {
			t.Error("at once: got a command admitted, want none")
		}
		time.Sleep(2 * fleet.OpenFor)
		told(t, b, of(fleet.ProbesToClose, nil)...)
		if b.Open() {
			t.Error("after trials that succeeded: got open, want closed")
		}
	})
}
