package fleet

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A breaker opens when most of what was tried lately failed, and no sooner than
// that was a few: a blip among many answers does not open it.
const (
	tripFloor = 5
	// tripTimeouts is how many time-outs after one another are lately.
	tripTimeouts = 5
	tripBuckets  = 15
	// restFor is how long it stays open at least.
	restFor = 250 * time.Millisecond
	// trials are how many must succeed, one after another, before it closes.
	trials = 3
)

// errLeftAlone says that a server is not asked, for it would not answer.
var errLeftAlone = errors.New("the server is left alone for now")

// What a breaker is told of an outcome, beside nil for a success.
var (
	errFailed  = errors.New("failed")
	errNothing = errors.New("says nothing")
)

// breaker decides whether a server is asked. It is safe for concurrent use.
type breaker struct {
	steps *gobreaker.TwoStepCircuitBreaker[struct{}]
	// signed says that trials wait for a sign of life, so that nobody who needs an
	// answer pays for the question; see sign.
	signed bool
	alive  atomic.Bool  // since it opened
	why    atomic.Int32 // the last trouble that was told it
}

// newBreaker returns a closed breaker of a server whose answers are waited for that
// long.
func newBreaker(signed bool, timeout time.Duration) *breaker {
	b := &breaker{signed: signed}
	lately := max(timeout, 100*time.Millisecond) * tripTimeouts
	b.steps = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Interval: lately, BucketPeriod: lately / tripBuckets, Timeout: restFor, MaxRequests: trials,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.TotalFailures >= tripFloor && c.TotalFailures >= c.TotalSuccesses
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.alive.Store(false)
			}
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errNothing) },
	})
	return b
}

// allow admits a command, whose outcome must be told to done, or fails with
// errLeftAlone. What is urgent is always admitted.
func (b *breaker) allow(urgent bool) (done func(error), err error) {
	if !b.signed || b.alive.Load() || !b.open() {
		if done, err = b.steps.Allow(); err == nil {
			return done, nil
		}
	}
	if urgent {
		return b.sign, nil
	}
	return nil, errLeftAlone
}

// sign takes the outcome of what was urgent for a sign of life.
func (b *breaker) sign(err error) {
	if err == nil {
		b.alive.Store(true)
	}
}

// open reports whether the server is left alone, or only tried.
func (b *breaker) open() bool { return b.steps.State() != gobreaker.StateClosed }
