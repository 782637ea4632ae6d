package logins

import (
	"container/list"
	"errors"
	"sync"
	"time"
)

// Limits of turns to ask a provider.
const (
	questionsAtOnce  = 16
	questionsWaiting = 1000             // for their turn, beside those
	waitingOfAddress = 4                // of them, of one client's address
	longestWait      = 10 * time.Second // for a turn
)

var (
	errQueue     = errors.New("too many questions wait for their turn")
	errCrowded   = errors.New("too many questions of the client's address wait for their turn")
	errPushedOut = errors.New("others wait whose addresses ask less")
)

// turns gives turns to ask a provider: questionsAtOnce at any time, and to those who wait one address
// after the other, so that nobody waits for all that another address asks. Who would wait too long is
// refused at once. It is safe for concurrent use.
type turns struct {
	now func() time.Time

	mu              sync.Mutex
	asking, waiting int
	lines           map[string]*list.Element // of ring, by address
	ring            *list.List               // of *line; the first has the next turn
	took            time.Duration            // of a question, lately
}

// line are the places of one address, the first who came first. It is never empty.
type line struct {
	address string
	places  []*place
}

// place is one that waits for a turn, or has it.
type place struct {
	decided chan struct{} // closed when its turn has come, or it has been pushed out
	address string
	began   time.Time // of its turn; zero: it has none
	refused error     // why it gets none
}

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, lines: map[string]*list.Element{}, ring: list.New()}
}

// enter takes a place in the line of an address; the empty one is of all who have no limit. It fails
// where too many wait already, or the wait would be too long. Whoever has a place leaves it.
func (t *turns) enter(address string) (*place, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &place{decided: make(chan struct{}), address: address}
	if t.asking < questionsAtOnce {
		t.begin(p)
		return p, nil
	}
	own := 0
	at, waits := t.lines[address]
	if waits {
		own = len(at.Value.(*line).places)
	}
	switch {
	case address != "" && own >= waitingOfAddress:
		return nil, errCrowded
	case t.expected(address, own) > longestWait:
		return nil, errQueue
	case t.waiting >= questionsWaiting && !t.pushOut(own+1):
		return nil, errQueue
	}
	if at, waits = t.lines[address]; !waits { // his own line may have ended by pushOut
		at = t.ring.PushBack(&line{address: address})
		t.lines[address] = at
	}
	l := at.Value.(*line)
	l.places = append(l.places, p)
	t.waiting++
	return p, nil
}

// expected is how long the next of an address that has so many places will wait, about.
func (t *turns) expected(address string, own int) time.Duration {
	ahead := own
	for at := t.ring.Front(); at != nil; at = at.Next() {
		if l := at.Value.(*line); l.address != address {
			ahead += min(len(l.places), own+1)
		}
	}
	return time.Duration(ahead/questionsAtOnce+1) * t.took
}

// pushOut takes its last place from the address that has most, if that are more than so many.
func (t *turns) pushOut(more int) bool {
	var longest *list.Element
	for at := t.ring.Front(); at != nil; at = at.Next() {
		if n := len(at.Value.(*line).places); n > more {
			longest, more = at, n
		}
	}
	if longest == nil {
		return false
	}
	l := longest.Value.(*line)
	last := l.places[len(l.places)-1]
	last.refused = errPushedOut
	t.drop(longest, len(l.places)-1)
	close(last.decided)
	return true
}

// drop takes a place out of a line.
func (t *turns) drop(at *list.Element, n int) {
	l := at.Value.(*line)
	l.places = append(l.places[:n:n], l.places[n+1:]...)
	t.waiting--
	if len(l.places) == 0 {
		t.ring.Remove(at)
		delete(t.lines, l.address)
	}
}

// begin gives a place its turn.
func (t *turns) begin(p *place) {
	t.asking++
	p.began = t.now()
	close(p.decided)
}

// leave gives a place up, whether it has its turn or not; the turn is the next one's.
func (t *turns) leave(p *place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case p.refused != nil:
		return
	case p.began.IsZero():
		at := t.lines[p.address]
		for n, other := range at.Value.(*line).places {
			if other == p {
				t.drop(at, n)
				return
			}
		}
		return
	}
	t.asking--
	const share = 8
	t.took += (t.now().Sub(p.began) - t.took) / share
	if at := t.ring.Front(); at != nil {
		next := at.Value.(*line).places[0]
		t.ring.MoveToBack(at)
		t.drop(at, 0)
		t.begin(next)
	}
}
