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

// Holder is a proof that may stop holding before its entry expires. Holds runs
// for each answer: it takes no lock and allocates nothing.
type Holder interface{ Holds(now time.Time) bool }

// Guard says until when, and under which proofs, an answer may be repeated to
// whoever sends the same bytes again.
type Guard struct {
	entry  *Entry
	floor  time.Duration
	proofs []Holder
}

// NewGuard guards answers made from entry for askers with that floor, who
// proved their logins by proofs; none means that the identity id is the proof.
func NewGuard(entry *Entry, floor time.Duration, proofs []Holder) *Guard {
	return &Guard{entry: entry, floor: floor, proofs: proofs}
}

// deadline is the last moment of a plain hit: after it the asker may have to
// wait, or a renewal may be due, which the full path decides.
func (g *Guard) deadline() time.Time {
	d := g.entry.Credentials.Expires.Add(-g.floor)
	if due := g.entry.Due(); due.Before(d) {
		return due
	}
	return d
}

// MemoKey names a request: its route or target, its client class, its bytes.
type MemoKey [sha256.Size]byte

// Memo keeps whole answers by the bytes of the request that earned them, for
// requests that the strict decoder and the proof accepted. It is safe for
// concurrent use.
type Memo struct {
	answers *otter.Cache[MemoKey, *answer] // nil: off
	digests sync.Pool
}

type answer struct {
	body  []byte
	guard *Guard
	until int64         // unix nanoseconds
	keep  time.Duration // from Put to until
}

// NewMemo returns a memo of at most maxEntries answers; with zero it is off and
// keeps none.
func NewMemo(maxEntries int) (*Memo, error) {
	m := &Memo{digests: sync.Pool{New: func() any { return newDigest() }}}
	if maxEntries == 0 {
		return m, nil
	}
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
// path. The bytes belong to the memo: read them, never write or keep them past
// the response.
func (m *Memo) Get(key MemoKey, now time.Time) (body []byte, remaining time.Duration, ok bool) {
	if m.answers == nil {
		return nil, 0, false
	}
	a, ok := m.answers.GetIfPresent(key)
	if !ok {
		return nil, 0, false
	}
	if !a.holds(now) {
		m.answers.Invalidate(key)
		return nil, 0, false
	}
	a.guard.entry.HandedOut(now, a.guard.floor)
	return a.body, a.guard.entry.Credentials.Expires.Sub(now), true
}

func (a *answer) holds(now time.Time) bool {
	if now.UnixNano() >= a.until || !a.guard.entry.Stamp.Valid() {
		return false
	}
	for _, p := range a.guard.proofs {
		if !p.Holds(now) {
			return false
		}
	}
	return true
}

// Put remembers body as the answer to the request named key. body is kept: it
// must not change afterwards.
func (m *Memo) Put(key MemoKey, now time.Time, guard *Guard, body []byte) {
	until := guard.deadline()
	if m.answers == nil || !until.After(now) {
		return
	}
	m.answers.Set(key, &answer{body: body, guard: guard, until: until.UnixNano(), keep: until.Sub(now)})
}

// Close ends the memo's own goroutine. The memo must not be used afterwards.
func (m *Memo) Close() {
	if m.answers != nil {
		m.answers.StopAllGoroutines()
	}
}
