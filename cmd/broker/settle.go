package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/settings"
)

var _ flows.Settings = (*settler)(nil)

// settler compares what this broker is configured with to what its fleet was, before
// the broker serves anything that the fleet keeps. Until it could, the broker goes by
// generations that nobody else knows, and so finds nothing. It is safe for concurrent
// use.
type settler struct {
	fleet  *fleet.Fleet
	kind   string // brokers of another kind have entries and a record of their own
	state  func(ctx context.Context) (settings.State, error)
	engine *engineSettings // nil: in front of upstream
	log    *zap.Logger

	mu      sync.Mutex // of settle and tend
	record  fleet.SettingsRecord
	settled atomic.Bool
	current atomic.Pointer[settings.Record]
}

const (
	// settleWithin is how long a broker that may serve without Redis waits for it at its
	// start, settleEvery how often it tries then and later, and tendEvery how often the
	// record is tended that was settled.
	settleWithin = 2 * time.Second
	settleEvery  = 500 * time.Millisecond
	tendEvery    = fleet.SettingsInUseFor / 3
	// stepWithin bounds one try. It is longer than a fence.
	stepWithin = 10 * time.Second
	// maxRaces is how often a record is compared anew that another broker replaced.
	maxRaces = 20
)

var errRaces = errors.New("other brokers replace the record of settings all the time")

// newSettler begins with generations of its own.
func newSettler(ctx context.Context, f *fleet.Fleet, kind string, b *backend, log *zap.Logger) (*settler, error) {
	s := &settler{fleet: f, kind: kind, state: b.state, engine: b.settings, log: log}
	state, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	own, _ := settings.Record{}.Meet(state)
	s.current.Store(&own)
	return s, nil
}

// Generation is that of all that an answer rests on. The engine ends what rests on a
// pool by fences, for the sake of brokers in front of it.
func (s *settler) Generation(pool string, providers []string) string {
	r := s.current.Load()
	var b []byte
	add := func(unit string) bool {
		g, ok := r.Generation(unit)
		if ok {
			b = append(b, g[:]...)
		}
		return ok
	}
	add(unitAll)
	if s.engine != nil {
		return string(b)
	}
	if !add(unitPool + pool) {
		add(unitAnyPool)
	}
	for _, provider := range providers {
		add(unitProvider + provider)
	}
	return string(b)
}

// begin settles before the broker serves. Where Redis cannot be reached, a broker goes
// on without its cache; but one on the engine whose settings withdraw something waits,
// for what brokers in front of it have cached must end first.
func (s *settler) begin(ctx context.Context) error {
	start, told := time.Now(), false
	// Other brokers' acknowledgements of a fence are heard from then on.
	for s.engine != nil && !s.fleet.Lease().Held() && time.Since(start) < settleWithin/2 && pauseFor(ctx, settleEvery/50) {
	}
	for {
		err := s.settle(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(start) >= settleWithin {
			may, failed := s.mayServe(ctx)
			if failed != nil {
				return failed
			}
			if may {
				s.log.Warn("serving without what redis has: the settings cannot be compared yet", zap.Error(err))
				return nil
			}
			if !told {
				s.log.Warn("not serving yet: the settings changed, or the store is new to redis, "+
					"and what redis has cannot be ended", zap.Error(err))
				told = true
			}
		}
		if !pauseFor(ctx, settleEvery) {
			return ctx.Err()
		}
	}
}

func (s *settler) mayServe(ctx context.Context) (bool, error) {
	if s.engine == nil {
		return true, nil
	}
	state, err := s.state(ctx)
	if err != nil {
		return false, err
	}
	return s.engine.served(ctx, state)
}

// run settles what begin could not, and keeps the record up, until ctx ends.
func (s *settler) run(ctx context.Context) error {
	for {
		every, step := tendEvery, s.tend
		if !s.settled.Load() {
			every, step = settleEvery, s.settle
		}
		if !pauseFor(ctx, every) {
			return nil
		}
		_ = step(ctx) // Redis's trouble is told elsewhere; it is tried again
	}
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle compares, ends what rests on settings that are not the broker's, and has the
// fleet remember his. Whoever comes between is met again.
func (s *settler) settle(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	for range maxRaces {
		seen, err := s.fleet.ReadSettings(ctx, s.kind)
		if err != nil {
			return err
		}
		old, _ := settings.Read(seen.Text) // what is none tells nothing
		state, err := s.meet(ctx, old)
		if err != nil {
			return err
		}
		next, ended := old.Meet(state)
		if s.engine != nil {
			if err := s.engine.end(ctx, ended); err != nil {
				return err
			}
		}
		stands, err := s.put(ctx, seen, old, next, state)
		if err != nil {
			return err
		}
		if !stands {
			continue
		}
		if len(ended) > 0 {
			s.log.Info("settings were changed since redis knew them: what rests on them is not served any more",
				zap.Int("settings", len(ended)))
		}
		return nil
	}
	return errRaces
}

// meet is the state to compare with a record.
func (s *settler) meet(ctx context.Context, old settings.Record) (settings.State, error) {
	state, err := s.state(ctx)
	if err != nil || s.engine == nil || old.Has(unitAll, state[unitAll]) {
		return state, err
	}
	// The store may have been served with another Redis: that one must not take it for
	// what it knows.
	if err := s.engine.renew(ctx); err != nil {
		return nil, err
	}
	return s.state(ctx)
}

// put writes what was not written so before, and goes by it.
func (s *settler) put(
	ctx context.Context, seen fleet.SettingsRecord, old, next settings.Record, state settings.State,
) (stands bool, err error) {
	if old.Of(state) && !seen.OldKey {
		stands, err = s.fleet.KeepSettings(ctx, s.kind, seen)
	} else {
		seen, stands, err = s.fleet.ReplaceSettings(ctx, s.kind, seen, next.Spell())
	}
	if err != nil || !stands {
		return false, err
	}
	s.record = seen
	s.current.Store(&next)
	s.settled.Store(true)
	if s.engine != nil {
		err = s.engine.remember(ctx, next)
	}
	return true, err
}

// tend keeps the record up that the broker goes by. Where Redis has lost it, it is
// written again. Where brokers of other settings go by another, that is left to them;
// when they are gone, it is replaced: a fleet ends in the settings of those who serve.
func (s *settler) tend(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	state, err := s.state(ctx)
	if err != nil {
		return err
	}
	mine := *s.current.Load()
	if mine.Of(state) {
		if stands, err := s.fleet.KeepSettings(ctx, s.kind, s.record); err != nil || stands {
			return err
		}
	}
	seen, err := s.fleet.ReadSettings(ctx, s.kind)
	if err != nil {
		return err
	}
	old, _ := settings.Read(seen.Text)
	switch next, _ := mine.Meet(state); {
	case old.Of(state):
		_, err = s.put(ctx, seen, old, old, state)
	case seen.Text == nil || !seen.InUse || slices.Equal(old.Spell(), mine.Spell()): // the engine has other pools
		_, err = s.put(ctx, seen, old, next, state)
	}
	return err
}
