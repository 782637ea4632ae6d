package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// MemoKey names a request: its route or target, its client class, its bytes.
type MemoKey [sha256.Size]byte

// Memo keeps whole answers by the bytes of the request that earned them, for
// requests that the strict decoder and the proof accepted. They are bounded by number,
// in all and for each home scope of the entries that they were made from. Epochs belong to
// one Memo. It is safe for concurrent use.
type Memo struct {
	answers *otter.Cache[MemoKey, *answer]
	bodies  bool
	digests sync.Pool
}

type answer struct {
	body      Body
	condition *MemoCondition
	until     int64         // unix nanoseconds
	keep      time.Duration // from Put to until
}

// NewMemo returns a memo of at most maxEntries answers. Without bodies it keeps only
// their conditions: who may be answered again, for a fleet to answer.
func NewMemo(maxEntries int, bodies bool) (*Memo, error) {
	m := &Memo{bodies: bodies, digests: sync.Pool{New: func() any { return newDigest() }}}
	answers, err := otter.New(&otter.Options[MemoKey, *answer]{
		MaximumSize: maxEntries,
		// Frees memory only; Get decides by until on the caller's clock.
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[MemoKey, *answer]) time.Duration {
			return max(time.Nanosecond, e.Value.keep)
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("make memo: %w", err)
	}
	m.answers = answers
	return m, nil
}

type digest struct {
	hash  hash.Hash
	fixed [12]byte
	key   MemoKey
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

// Key digests a request. Nothing of the arguments is kept.
func (m *Memo) Key(route []byte, class int, body []byte) MemoKey {
	d := m.digests.Get().(*digest)
	defer m.digests.Put(d)
	d.hash.Reset()
	binary.BigEndian.PutUint32(d.fixed[0:], uint32(len(route)))
	binary.BigEndian.PutUint64(d.fixed[4:], uint64(class))
	d.hash.Write(d.fixed[:])
	d.hash.Write(route)
	d.hash.Write(body)
	d.hash.Sum(d.key[:0])
	return d.key
}

// Get returns the answer to a request, with the life its credentials have left,
// if its entry lives, its proofs hold and no floor or renewal asks for the full
// path. Where the answer may not be served from this process's memory, or the
// memo keeps no bodies, body is nil and condition says where a fleet keeps what it was made
// from. Who looks there must ask afterwards whether the entry stands and the condition
// holds, and DropStale if not. Otherwise both are nil.
func (m *Memo) Get(key MemoKey, now time.Time) (body *Body, remaining time.Duration, guard *MemoCondition) {
	a, ok := m.answers.GetIfPresent(key)
	if !ok {
		return nil, 0, nil
	}
	if a.body.rest == nil && now.UnixNano() < a.until {
		return nil, 0, a.condition // asked afterwards, in any case: asked now too, it would cost twice
	}
	if !a.stands(now) {
		m.dropStale(key, a, now)
		return nil, 0, nil
	}
	if a.condition.Entry.Stamp.Valid() {
		a.condition.Entry.RecordServe(now, a.condition.Floor)
		return &a.body, a.condition.Entry.Credentials.Expires.Sub(now), a.condition
	}
	if a.condition.Ref == nil || a.condition.Entry.Stamp.leased() {
		m.answers.Invalidate(key)
		return nil, 0, nil
	}
	return nil, 0, a.condition
}

// stands reports whether an answer may be given again, from wherever that may be.
func (a *answer) stands(now time.Time) bool {
	return now.UnixNano() < a.until && a.condition.Entry.Stamp.Stands() && a.condition.proofsHold(now)
}

// DropStale drops the answer to a request if it cannot be given again: it is over, its entry
// was ended, or a proof holds no more.
func (m *Memo) DropStale(key MemoKey, now time.Time) {
	if a, ok := m.answers.GetIfPresent(key); ok && !a.stands(now) {
		m.dropStale(key, a, now)
	}
}

// dropStale drops an answer that does not stand, unless it may again.
func (m *Memo) dropStale(key MemoKey, a *answer, now time.Time) {
	if now.UnixNano() >= a.until || !a.condition.Entry.Stamp.Suspended() {
		m.answers.Invalidate(key)
	}
}

// Put remembers body as the answer to the request named key. body is copied.
func (m *Memo) Put(key MemoKey, now time.Time, guard *MemoCondition, body []byte) {
	until := guard.deadline()
	if !until.After(now) {
		return
	}
	if !m.bodies {
		if guard.Ref == nil {
			return
		}
	}
	home := guard.Entry.Stamp.home()
	if home == nil {
		return // an entry that rests on nothing never stands
	}
	a := &answer{condition: guard, until: until.UnixNano(), keep: until.Sub(now)}
	if m.bodies {
		a.body = newBody(body, guard.Entry.Credentials.SessionToken)
	}
	m.answers.Set(key, a)
	for _, old := range home.contents.addAnswer(key) {
		m.answers.Invalidate(old)
	}
}

// Close ends the memo's own goroutine. The memo must not be used afterwards.
func (m *Memo) Close() { m.answers.StopAllGoroutines() }
