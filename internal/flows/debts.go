package flows

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

const (
	// maxDebts bounds the scopes that are owed an end. Beyond it the last are let go:
	// what is cached for them then lives until it expires.
	maxDebts = 100_000
	// paidAtOnce is how many are ended in one fence.
	paidAtOnce = 60
)

// debts are scopes that a change has outdated, and that the fleet could not be told
// of. They are ended as soon as it can be reached again: what was changed stays
// changed, whether or not its asker could be told.
type debts struct {
	mu     sync.Mutex
	owed   map[cache.Scope]int // how often since it was paid
	paying bool
}

// owe ends scopes in the background.
func (s *Service) owe(scopes []cache.Scope) {
	s.debts.mu.Lock()
	defer s.debts.mu.Unlock()
	for _, scope := range scopes {
		if s.debts.owed[scope] > 0 || len(s.debts.owed) < maxDebts {
			s.debts.owed[scope]++
		}
	}
	if !s.debts.paying {
		s.debts.paying = s.behind(s.pay)
	}
}

// pay ends what is owed, until nothing is, or Close.
func (s *Service) pay() {
	pause := 100 * time.Millisecond
	for {
		due := s.debts.some()
		if len(due) == 0 {
			return
		}
		if s.payOnce(slices.Collect(maps.Keys(due))) {
			s.debts.paid(due)
			pause = 100 * time.Millisecond
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.stop:
			timer.Stop()
			return
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (s *Service) payOnce(scopes []cache.Scope) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	defer cancel()
	fence, err := s.Epochs.Fence(ctx, scopes...)
	if err != nil {
		return false
	}
	_, err = fence.Done()
	return err == nil
}

// some are scopes that are owed, and how often; where there are none, nobody pays
// any more.
func (d *debts) some() map[cache.Scope]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := map[cache.Scope]int{}
	for scope, n := range d.owed {
		if due[scope] = n; len(due) == paidAtOnce {
			break
		}
	}
	d.paying = len(due) > 0
	return due
}

// paid strikes out what was ended, unless it is owed once more since: that change
// may have come after.
func (d *debts) paid(due map[cache.Scope]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for scope, n := range due {
		if d.owed[scope] == n {
			delete(d.owed, scope)
		}
	}
}
