package redisconn

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A breaker opens when most of the recent outcomes are failures, and there are a few: a single
// failure among many answers does not open it.
const (
	minFailures = 5
	// windowTimeouts is how many time-outs after one another fit into the window of recent outcomes.
	windowTimeouts = 5
	windowBuckets  = 15
	// openFor is how long a breaker stays open at least.
	openFor = 250 * time.Millisecond
	// probesToClose is how many commands must succeed, one after another, before it closes.
	probesToClose = 3
)

// ErrBreakerOpen says that a server is not asked, for its circuit breaker is open.
var ErrBreakerOpen = errors.New("the server is left alone for now")

// The outcomes that a breaker is told, beside nil for a success.
var (
	errFailed  = errors.New("failed")
	errNothing = errors.New("says nothing")
)

// breaker is a circuit breaker: it decides whether a server is asked. It is safe for concurrent
// use.
type breaker struct {
	steps *gobreaker.TwoStepCircuitBreaker[struct{}]
	// needsSign says that commands are tried again only after a sign of life, so that nobody who
	// needs an answer pays for the try; see noteSign.
	needsSign  bool
	signOfLife atomic.Bool  // since it opened
	lastHealth atomic.Int32 // of the last failure
}

// newBreaker returns a closed breaker of a server whose answers are waited for that long.
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

// allow admits a command, whose outcome must be given to done, or fails with ErrBreakerOpen. A
// command that bypasses the breaker is always admitted.
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

// noteSign takes a success of a command that bypassed the breaker for a sign of life.
func (b *breaker) noteSign(err error) {
	if err == nil {
		b.signOfLife.Store(true)
	}
}

// open reports whether the server is not asked, or only tried.
func (b *breaker) open() bool { return b.steps.State() != gobreaker.StateClosed }
