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
	// readingTimeout bounds one reading of a pool with a change of unknown outcome.
	readingTimeout = 5 * time.Second
	// confirmTimeout is how long an exchange's answer is withheld while the pool cannot
	// be read.
	confirmTimeout = 5 * time.Second
	// readingInterval is how often a pool with a change of unknown outcome is read at most, by one
	// broker.
	readingInterval = 250 * time.Millisecond
	// takeOverInterval is how often a broker looks for changes whose broker died.
	takeOverInterval = time.Second
)

var (
	errPoolUnreadable = errors.New("the pool may not be read to learn of a change")
	errClosing        = errors.New("this broker is being stopped")
)

// confirm returns when what an exchange just brought, of a pool's settings by that scope,
// may be served: since it was brought, the pool was read in the state that all are
// served, or what was served has ended. So nobody receives what a change brought while
// others are served what was before it. Where the pool cannot be read, what rests on it
// ends, for as long as the change may be made yet. Where the fleet cannot be asked
// whether there is a change of unknown outcome, the answer is served; it cannot be kept then.
func (p *poolChanges) confirm(ctx context.Context, pool string, scope cache.Scope) error {
	noted, err := p.store().PoolChangesOf(ctx, pool)
	if err != nil {
		return nil
	}
	for _, one := range noted {
		pc, ok := decodePoolChange(one)
		if !ok || pc.Suspended || !slices.Contains(pc.scopes(), scope) {
			continue
		}
		if err := p.confirmChange(ctx, pc); err != nil {
			return err
		}
	}
	return nil
}

// confirmChange waits for a reading that begins now, or suspends what cannot be read.
func (p *poolChanges) confirmChange(ctx context.Context, pc poolChange) error {
	within, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	for {
		_, err := p.awaitReading(within, pc)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, cognito.ErrUnavailable) && errors.Is(err, cache.ErrFleet):
			return err // what was served could not be ended
		case within.Err() != nil || errors.Is(err, errPoolUnreadable) || errors.Is(err, errClosing):
			return p.suspend(pc)
		}
		select {
		case <-within.Done():
		case <-time.After(readingInterval):
		}
	}
}

// suspend ends what rests on a pool that has a change of unknown outcome and cannot be read;
// nothing is kept as long as the change may be made yet.
func (p *poolChanges) suspend(pc poolChange) error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	fence, err := p.fences.beginFence(ctx, pc.scopes())
	if err != nil {
		return err // nobody was answered by what is after the change: it is tried again
	}
	p.fences.leaveOpen(fence)
	pc.Suspended = true
	_ = p.store().ReplacePoolChange(ctx, pc.encode()) // else whoever asks next does this again
	return nil
}

// poolFinding is what a reading of a pool with a change of unknown outcome came to.
type poolFinding int

const (
	poolUnchanged   poolFinding = iota
	poolChanged                 // what rested on it has ended
	changeForgotten             // the change is not noted any more
	poolSuspended
)

// readChange reads a pool with a change of unknown outcome, and ends what rests on it where it has
// changed. It returns what is noted of the change then. It fails with errPoolUnreadable, a passing
// error of the backend, or one of the fleet.
func (p *poolChanges) readChange(pc poolChange) (poolChange, poolFinding, error) {
	ctx, cancel := context.WithTimeout(context.Background(), readingTimeout)
	defer cancel()
	noted, err := p.store().PoolChangesOf(ctx, pc.Pool)
	if err != nil {
		return pc, poolUnchanged, err
	}
	n := slices.IndexFunc(noted, func(one cache.PoolChange) bool { return one.ID == pc.record.ID })
	if n < 0 {
		return pc, changeForgotten, nil
	}
	if now, ok := decodePoolChange(noted[n]); ok {
		pc = now
	}
	if pc.Suspended {
		return pc, poolSuspended, nil
	}
	state, err := p.state(ctx, pc.poolPart)
	switch {
	case err != nil && !cognito.Passing(err):
		p.unreadable(pc.poolPart, err)
		return pc, poolUnchanged, errPoolUnreadable
	case err != nil:
		return pc, poolUnchanged, err
	case state == pc.State:
		return pc, poolUnchanged, nil
	}
	if err := p.endPoolPart(pc.poolPart); err != nil {
		return pc, poolUnchanged, err
	}
	// An earlier request of the change, or another change, may come later: what is
	// served from now on is held against what was read.
	pc.State = state
	ctx, cancel = context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	_ = p.store().ReplacePoolChange(ctx, pc.encode()) // else it is ended once more
	return pc, poolChanged, nil
}

// poolReadings are those of pools with changes of unknown outcome, by change. Who asks for one
// waits for the next that begins, together with all who ask until then.
type poolReadings struct {
	mu sync.Mutex
	of map[[16]byte]*poolReadingQueue
}

type poolReadingQueue struct {
	next *poolReading // that has not begun; nil: nobody waits
	busy bool
}

type poolReading struct {
	done    chan struct{}
	change  poolChange
	finding poolFinding
	err     error
}

// awaitReading checks a pool with a change of unknown outcome by a reading that begins after the call.
func (p *poolChanges) awaitReading(ctx context.Context, pc poolChange) (*poolReading, error) {
	r, err := p.nextReading(pc)
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

func (p *poolChanges) nextReading(pc poolChange) (*poolReading, error) {
	rs := &p.readings
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.of == nil {
		rs.of = map[[16]byte]*poolReadingQueue{}
	}
	q := rs.of[pc.record.ID]
	if q == nil {
		q = &poolReadingQueue{}
		rs.of[pc.record.ID] = q
	}
	if q.next == nil {
		q.next = &poolReading{done: make(chan struct{}), change: pc}
	}
	if !q.busy {
		if !p.start(func() { p.runReadings(pc.record.ID, q) }) {
			delete(rs.of, pc.record.ID)
			return nil, errClosing
		}
		q.busy = true
	}
	return q.next, nil
}

// runReadings makes readings one after the other until nobody waits.
func (p *poolChanges) runReadings(id [16]byte, q *poolReadingQueue) {
	for {
		p.readings.mu.Lock()
		r := q.next
		q.next = nil
		if r == nil {
			delete(p.readings.of, id)
		}
		p.readings.mu.Unlock()
		if r == nil {
			return
		}
		r.change, r.finding, r.err = p.readChange(r.change)
		close(r.done)
		p.pause(readingInterval)
	}
}
