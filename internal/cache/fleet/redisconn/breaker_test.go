package redisconn_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// told tells a breaker outcomes, of which it must admit every one.
func told(t *testing.T, b redisconn.Breaker, outcomes ...error) {
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
		{"fewer than the floor", 0, 0, redisconn.MinFailures - 1, false},
		{"the floor", 0, 0, redisconn.MinFailures, true},
		{"as many as succeeded", redisconn.MinFailures, 0, redisconn.MinFailures, true},
		{"fewer than succeeded", redisconn.MinFailures + 1, 0, redisconn.MinFailures, false},
		{"a blip", 1000, 0, 100, false},
		{"what says nothing does not count", 0, 100, redisconn.MinFailures - 1, false},
		{"nor for the server", redisconn.MinFailures, 100, redisconn.MinFailures, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := redisconn.NewBreaker(true)
			told(t, b, of(test.successes, nil)...)
			told(t, b, of(test.nothings, redisconn.ErrNothing)...)
			told(t, b, of(test.bads, redisconn.ErrFailed)...)
			if got := b.Open(); got != test.open {
				t.Errorf("%s: got open: %v, want %v", test.name, got, test.open)
			}
		})
	}
}

// What was long ago does not count.
func TestBreakerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redisconn.NewBreaker(true)
		told(t, b, of(1000, nil)...)
		time.Sleep(2 * redisconn.TripWindow)
		told(t, b, of(redisconn.MinFailures-1, redisconn.ErrFailed)...)
		time.Sleep(2 * redisconn.TripWindow)
		told(t, b, of(redisconn.MinFailures-1, redisconn.ErrFailed)...)
		if b.Open() {
			t.Error("failures apart: got open, want closed")
		}
		told(t, b, redisconn.ErrFailed)
		if !b.Open() {
			t.Error("failures together, after many successes long ago: got closed, want open")
		}
	})
}

// tripped is an open breaker.
func tripped(t *testing.T, signed bool) redisconn.Breaker {
	t.Helper()
	b := redisconn.NewBreaker(signed)
	told(t, b, of(redisconn.MinFailures, redisconn.ErrFailed)...)
	return b
}

// refuses reports whether a breaker admits nothing but what is urgent.
func refuses(b redisconn.Breaker) bool {
	done, err := b.Allow(false)
	if err == nil {
		done(redisconn.ErrNothing)
	}
	return errors.Is(err, redisconn.ErrBreakerOpen)
}

// sign has a breaker learn of an urgent command's outcome.
func sign(t *testing.T, b redisconn.Breaker, outcome error) {
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
			time.Sleep(2 * redisconn.OpenFor)
			sign(t, b, redisconn.ErrFailed)
			sign(t, b, redisconn.ErrNothing)
			if !refuses(b) {
				t.Fatal("without a sign of life: got a command admitted, want none")
			}
		}
		sign(t, b, nil)
		var trials []func(error)
		for range redisconn.ProbesToClose {
			done, err := b.Allow(false)
			if err != nil {
				t.Fatalf("a trial: got %v, want it admitted", err)
			}
			trials = append(trials, done)
		}
		if !refuses(b) {
			t.Error("during the trials: got another admitted, want none")
		}
		trials[0](redisconn.ErrFailed)
		time.Sleep(2 * redisconn.OpenFor)
		if !refuses(b) {
			t.Error("after a trial that failed: got a command admitted, want none without another sign")
		}
		sign(t, b, nil)
		told(t, b, of(redisconn.ProbesToClose, nil)...)
		if b.Open() {
			t.Error("after trials that succeeded: got open, want closed")
		}
	})
}

// Where nobody else asks, what is urgent closes a breaker.
func TestBreakerReturnsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tripped(t, true)
		time.Sleep(2 * redisconn.OpenFor)
		for range 1 + redisconn.ProbesToClose {
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
		time.Sleep(2 * redisconn.OpenFor)
		told(t, b, of(redisconn.ProbesToClose, nil)...)
		if b.Open() {
			t.Error("after trials that succeeded: got open, want closed")
		}
	})
}
