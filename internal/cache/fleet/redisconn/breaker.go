package redisconn

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A breaker opens when most of what was tried lately failed, and no sooner than
// that was a few: a blip among many answers does not open it.
const (
	minFailures = 5
	// windowTimeouts is how many time-outs after one another are lately.
	windowTimeouts = 5
	windowBuckets  = 15
	// openFor is how long it stays open at least.
	openFor = 250 * time.Millisecond
	// probesToClose are how many must succeed, one after another, before it closes.
	probesToClose = 3
)

// ErrBreakerOpen says that a server is not asked, for it would not answer.
var ErrBreakerOpen = errors.New("the server is left alone for now")

// What a breaker is told of an outcome, beside nil for a success.
var (
	errFailed  = errors.New("failed")
	errNothing = errors.New("says nothing")
)

// breaker decides whether a server is asked. It is safe for concurrent use.
type breaker struct {
	steps *gobreaker.TwoStepCircuitBreaker[struct{}]
	// needsSign says that trials wait for a sign of life, so that nobody who needs an
	// answer pays for the question; see sign.
	needsSign  bool
	signOfLife atomic.Bool  // since it opened
	lastHealth atomic.Int32 // the last health that was told it
}

// newBreaker returns a closed breaker of a server whose answers are waited for that
// long.
func newBreaker(signed bool, timeout time.Duration) *breaker {
	b := &breaker{needsSign: signed}
	lately := max(timeout, 100*time.Millisecond) * windowTimeouts
	b.steps = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Interval: lately, BucketPeriod: lately / windowBuckets, Timeout: openFor, MaxRequests: probesToClose,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.TotalFailures >= minFailures && c.TotalFailures >= c.TotalSuccesses
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.signOfLife.Store(false)
			}
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errNothing) },
	})
	return b
}

// allow admits a command, whose outcome must be told to done, or fails with
// errBreakerOpen. What is urgent is always admitted.
func (b *breaker) allow(urgent bool) (done func(error), err error) {
	if !b.needsSign || b.signOfLife.Load() || !b.open() {
		if done, err = b.steps.Allow(); err == nil {
			return done, nil
		}
	}
	if urgent {
		return b.noteSign, nil
	}
	return nil, ErrBreakerOpen
}

// noteSign takes the outcome of what was urgent for a sign of life.
func (b *breaker) noteSign(err error) {
	if err == nil {
		b.signOfLife.Store(true)
	}
}

// open reports whether the server is left alone, or only tried.
func (b *breaker) open() bool { return b.steps.State() != gobreaker.StateClosed }
