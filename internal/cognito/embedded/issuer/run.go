package issuer

import (
	"context"
	"fmt"
	"time"
)

// Times of Run.
const (
	checkEvery = time.Minute      // the clock, which may jump
	checkLeast = time.Second      // between two rounds
	retryAfter = 10 * time.Second // a round that failed
	roundLimit = time.Minute      // of one round, the wait for its turn included
)

// Run rotates the signing key by its age and drops retired keys, published and
// stored, 25 hours after their retirement. It returns nil when ctx ends. A store
// that fails is tried again every 10 seconds and told to OnFailure, and its end to
// OnRecovery; meanwhile tokens are signed by the present key.
func (i *Issuer) Run(ctx context.Context) error {
	failing := false
	for {
		wait := retryAfter
		err := i.tend(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			i.config.OnFailure(err)
		} else {
			wait = i.untilNext()
			if failing {
				i.config.OnRecovery()
			}
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// tend does what is due.
func (i *Issuer) tend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	if err := acquire(ctx, i.turn); err != nil {
		return fmt.Errorf("wait to tend signing keys: %w", err)
	}
	defer release(i.turn)
	now := i.time()
	i.drop(now)
	present := i.current.Load()
	if !now.Before(i.rotateAt(present)) {
		if _, err := i.rotate(ctx); err != nil {
			return fmt.Errorf("rotate signing keys: %w", err)
		}
		return nil
	}
	if i.unsaved {
		return i.replace(ctx, present)
	}
	return nil
}

// drop stops publishing keys that are past their time. That the store still
// holds them does not revive them, so it need not come first.
func (i *Issuer) drop(now time.Time) {
	keys := i.current.Load().keys
	alive := live(keys, now)
	if len(alive) == len(keys) {
		return
	}
	i.unsaved = true
	i.current.Store(newSet(alive))
}

func (i *Issuer) rotateAt(s *set) time.Time { return s.signing.Created.Add(i.config.Rotation) }

// untilNext is how long nothing will be due, within what a round may wait.
func (i *Issuer) untilNext() time.Duration {
	now, s := i.time(), i.current.Load()
	wait := min(checkEvery, i.rotateAt(s).Sub(now))
	for _, k := range s.keys {
		if k.retired() {
			wait = min(wait, k.dropAt().Sub(now))
		}
	}
	return max(wait, checkLeast)
}
