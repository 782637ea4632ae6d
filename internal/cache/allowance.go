package cache

import (
	"fmt"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// Allowance bounds how often something may go wrong for a name: who is about to try takes
// one of the name's permits, and gives it back when it went well. Names are bounded: a flood
// of them pushes out those that were used least, which then begin anew. It is safe for
// concurrent use.
type Allowance struct {
	every time.Duration // after which a permit comes back
	burst int
	names *otter.Cache[string, *account]
	now   func() time.Time
}

// account is a name's. free is when all of its permits will be back.
type account struct {
	mu   sync.Mutex
	free time.Time
}

// NewAllowance gives each name burst permits, of which perMinute come back a minute; it keeps
// at most names names. now is the clock, nil for the system's.
func NewAllowance(perMinute, burst, names int, now func() time.Time) (*Allowance, error) {
	if now == nil {
		now = time.Now
	}
	accounts, err := otter.New(&otter.Options[string, *account]{
		MaximumSize:      names,
		ExpiryCalculator: otter.ExpiryAccessing[string, *account](ratesIdle),
	})
	if err != nil {
		return nil, fmt.Errorf("make allowance: %w", err)
	}
	return &Allowance{every: time.Minute / time.Duration(perMinute), burst: burst, names: accounts, now: now}, nil
}

// Take takes a permit of a name. Where it has none left, wait is how long until one comes
// back, and otherwise zero.
func (a *Allowance) Take(name string) (wait time.Duration) {
	of, _ := a.names.ComputeIfAbsent(name, func() (*account, bool) { return new(account), false })
	of.mu.Lock()
	defer of.mu.Unlock()
	now := a.now()
	free := of.free
	if free.Before(now) {
		free = now
	}
	free = free.Add(a.every)
	if wait = free.Sub(now) - time.Duration(a.burst)*a.every; wait > 0 {
		return wait
	}
	of.free = free
	return 0
}

// Return gives a permit back that Take took.
func (a *Allowance) Return(name string) {
	if of, ok := a.names.GetIfPresent(name); ok {
		of.mu.Lock()
		defer of.mu.Unlock()
		of.free = of.free.Add(-a.every)
	}
}

// Len is the approximate number of names.
func (a *Allowance) Len() int { a.names.CleanUp(); return a.names.EstimatedSize() }

// Close ends the goroutine of the names. The Allowance must not be used afterwards.
func (a *Allowance) Close() { a.names.StopAllGoroutines() }
