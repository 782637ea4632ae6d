package cache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// ErrLimited says that no permit comes in time: now, or before a deadline.
var ErrLimited = errors.New("no turn comes in time")

// Limited is ErrLimited with how long it is to the next permit.
type Limited struct{ Wait time.Duration }

func (l *Limited) Error() string {
	return fmt.Sprintf("%v: the next in %v", ErrLimited, l.Wait.Round(time.Millisecond))
}

// Is lets errors.Is find ErrLimited.
func (l *Limited) Is(target error) bool { return target == ErrLimited }

// Seconds are those to wait, whole and at least one.
func (l *Limited) Seconds() int { return max(1, int(math.Ceil(l.Wait.Seconds()))) }

// Rates gives permits at a rate, to each name apart. Names are bounded: a flood of
// them pushes out those that were used least, which then begin anew with a full
// burst. It is safe for concurrent use.
type Rates struct {
	limit rate.Limit
	burst int
	names *otter.Cache[string, *rate.Limiter]
}

// ratesIdle is how long an unused name is kept; by then its burst is full again
// at any rate of one an hour or faster.
const ratesIdle = time.Hour

// NewRates gives perMinute permits a minute, burst of them at once, to at most
// names names.
func NewRates(perMinute, burst, names int) (*Rates, error) {
	cache, err := otter.New(&otter.Options[string, *rate.Limiter]{
		MaximumSize:      names,
		ExpiryCalculator: otter.ExpiryAccessing[string, *rate.Limiter](ratesIdle),
	})
	if err != nil {
		return nil, fmt.Errorf("make rates: %w", err)
	}
	return &Rates{limit: rate.Limit(float64(perMinute) / 60), burst: burst, names: cache}, nil
}

// Take takes a permit of name now. It fails with ErrLimited where there is none.
func (r *Rates) Take(name string) error {
	if wait := r.Try(name); wait > 0 {
		return &Limited{wait}
	}
	return nil
}

// Try takes a permit of name if there is one now and returns zero; else it takes
// none, and returns how long it is to the next.
func (r *Rates) Try(name string) time.Duration {
	turn := r.limiter(name).Reserve()
	wait := turn.Delay()
	if wait > 0 {
		turn.Cancel()
	}
	return wait
}

func (r *Rates) limiter(name string) *rate.Limiter {
	limiter, _ := r.names.ComputeIfAbsent(name, func() (*rate.Limiter, bool) {
		return rate.NewLimiter(r.limit, r.burst), false
	})
	return limiter
}

// Wait takes name's next permit. It fails at once with ErrLimited when that comes
// after ctx's deadline, and with ctx's error when ctx ends first.
func (r *Rates) Wait(ctx context.Context, name string) error {
	if err := r.limiter(name).Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if wait := r.Try(name); wait > 0 {
			return &Limited{wait}
		}
	}
	return nil // also where the turn came just now
}

// Len is the approximate number of names.
func (r *Rates) Len() int { r.names.CleanUp(); return r.names.EstimatedSize() }

// Close ends the goroutine of the names. The Rates must not be used afterwards.
func (r *Rates) Close() { r.names.StopAllGoroutines() }
