package flows

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

const (
	// readWithin bounds one reading of a pool in doubt.
	readWithin = 5 * time.Second
	// confirmWithin is how long an exchange's answer is withheld while the pool cannot
	// be read.
	confirmWithin = 5 * time.Second
	// readEvery is how often a pool in doubt is read at most, by one broker.
	readEvery = 250 * time.Millisecond
	// adoptEvery is how often a broker looks for changes whose broker died.
	adoptEvery = time.Second
)

var (
	errDenied  = errors.New("the pool in doubt may not be read")
	errClosing = errors.New("this broker is being stopped")
)

// confirm returns when what an exchange just brought, of a pool's settings by that scope,
// may be handed out: since it was brought, the pool was read in the state that all are
// served, or what was served has ended. So nobody receives what a change brought while
// others are served what was before it. Where the pool cannot be read, what rests on it
// ends, for as long as the change may be made yet. Where the fleet cannot be asked
// whether there is a doubt, the answer is handed out; it cannot be kept then.
func (s *Service) confirm(ctx context.Context, pool string, scope cache.Scope) error {
	noted, err := s.doubts().PoolChangesOf(ctx, pool)
	if err != nil {
		return nil
	}
	for _, one := range noted {
		d, ok := readDoubt(one)
		if !ok || d.Suspended || !slices.Contains(d.scopes(), scope) {
			continue
		}
		if err := s.confirmed(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// confirmed waits for a reading that begins now, or suspends what cannot be read.
func (s *Service) confirmed(ctx context.Context, d doubt) error {
	within, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	for {
		_, err := s.readBack(within, d)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, cognito.ErrUnavailable) && errors.Is(err, cache.ErrFleet):
			return err // what was served could not be ended
		case within.Err() != nil || errors.Is(err, errDenied) || errors.Is(err, errClosing):
			return s.suspend(d)
		}
		select {
		case <-within.Done():
		case <-time.After(readEvery):
		}
	}
}

// suspend ends what rests on a pool that is in doubt and cannot be read; nothing is kept
// as long as the change may be made yet.
func (s *Service) suspend(d doubt) error {
	ctx, cancel := context.WithTimeout(context.Background(), endPoolWithin)
	defer cancel()
	fence, err := s.fence(ctx, d.scopes())
	if err != nil {
		return err // nobody was answered by what is after the change: it is tried again
	}
	s.linger(fence)
	d.Suspended = true
	_ = s.doubts().ReplacePoolChange(ctx, d.spell()) // else whoever asks next does this again
	return nil
}

// finding is what a reading of a pool in doubt came to.
type finding int

const (
	asBefore  finding = iota
	changed           // what rested on it has ended
	forgotten         // the change is not noted any more
	suspended
)

// check reads a pool in doubt, and ends what rests on it where it has changed. It returns
// what is noted of the change then. It fails with errDenied, a passing error of the
// backend, or one of the fleet.
func (s *Service) check(d doubt) (doubt, finding, error) {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	noted, err := s.doubts().PoolChangesOf(ctx, d.Pool)
	if err != nil {
		return d, asBefore, err
	}
	n := slices.IndexFunc(noted, func(one cache.PoolChange) bool { return one.ID == d.noted.ID })
	if n < 0 {
		return d, forgotten, nil
	}
	if now, ok := readDoubt(noted[n]); ok {
		d = now
	}
	if d.Suspended {
		return d, suspended, nil
	}
	state, err := s.state(ctx, d.aspect)
	switch {
	case err != nil && !cognito.Passing(err):
		s.unreadable(d.aspect, err)
		return d, asBefore, errDenied
	case err != nil:
		return d, asBefore, err
	case state == d.State:
		return d, asBefore, nil
	}
	if err := s.endPool(d.aspect); err != nil {
		return d, asBefore, err
	}
	// An earlier request of the change, or another change, may come later: what is
	// served from now on is held against what was read.
	d.State = state
	ctx, cancel = context.WithTimeout(context.Background(), endPoolWithin)
	defer cancel()
	_ = s.doubts().ReplacePoolChange(ctx, d.spell()) // else it is ended once more
	return d, changed, nil
}

// readings are those of pools in doubt, by change. Who asks for one waits for the next
// that begins, together with all who ask until then.
type readings struct {
	mu sync.Mutex
	of map[[16]byte]*queue
}

type queue struct {
	next *reading // that has not begun; nil: nobody waits
	busy bool
}

type reading struct {
	done    chan struct{}
	doubt   doubt
	finding finding
	err     error
}

// readBack checks a pool in doubt by a reading that begins after the call.
func (s *Service) readBack(ctx context.Context, d doubt) (*reading, error) {
	r, err := s.nextReading(d)
	if err != nil {
		return nil, err
	}
	select {
	case <-r.done:
		return r, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Service) nextReading(d doubt) (*reading, error) {
	rs := &s.readings
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.of == nil {
		rs.of = map[[16]byte]*queue{}
	}
	q := rs.of[d.noted.ID]
	if q == nil {
		q = &queue{}
		rs.of[d.noted.ID] = q
	}
	if q.next == nil {
		q.next = &reading{done: make(chan struct{}), doubt: d}
	}
	if !q.busy {
		if !s.behind(func() { s.readAll(d.noted.ID, q) }) {
			delete(rs.of, d.noted.ID)
			return nil, errClosing
		}
		q.busy = true
	}
	return q.next, nil
}

// readAll makes readings one after the other until nobody waits.
func (s *Service) readAll(id [16]byte, q *queue) {
	for {
		s.readings.mu.Lock()
		r := q.next
		q.next = nil
		if r == nil {
			delete(s.readings.of, id)
		}
		s.readings.mu.Unlock()
		if r == nil {
			return
		}
		r.doubt, r.finding, r.err = s.check(r.doubt)
		close(r.done)
		s.pauseFor(readEvery)
	}
}

// pauseFor waits, or returns false when Close is called.
func (s *Service) pauseFor(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	}
}
