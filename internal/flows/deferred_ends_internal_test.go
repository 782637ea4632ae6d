package flows

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// Ends come for one identity at a time, when they are due, a bounded number at once, and go when they
// have been made; those that calls may outdate again until later come again then.
func TestDeferredEndsByIdentity(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0) }
	d := newDeferredEnds()
	take := func(now int, wantIdentity string, want ...cache.Scope) {
		t.Helper()
		due, _, more := d.take(at(now))
		slices.Sort(due.scopes)
		if due.identity != wantIdentity || !slices.Equal(due.scopes, want) || !more {
			t.Errorf("at %d s: got %v, more %v; want %v for %q", now, due, more, want, wantIdentity)
		}
	}
	d.add("a", []cache.Scope{"i/a", "l/a"}, at(10))
	d.add("b", []cache.Scope{"i/b"}, at(10))
	d.add("a", []cache.Scope{"l/later"}, at(30))
	if len(d.woken) != 1 {
		t.Error("what is added: got nobody woken who waits for what was there before")
	}
	if !d.begin() || d.begin() {
		t.Error("got nobody to look after them, or two; want one")
	}
	take(9, "")
	d.add("a", []cache.Scope{"i/a"}, at(20)) // once more
	d.add("b", []cache.Scope{"i/b"}, at(5))  // earlier than it is due for other calls
	first, _, _ := d.take(at(10))
	second, _, _ := d.take(at(10))
	for _, due := range []dueEnds{first, second} {
		want := map[string][]cache.Scope{"a": {"i/a", "l/a"}, "b": {"i/b"}}[due.identity]
		if slices.Sort(due.scopes); !slices.Equal(due.scopes, want) {
			t.Errorf("at 10 s: got %v, want those that are due", due)
		}
	}
	if first.identity == second.identity {
		t.Errorf("at 10 s: got %q twice, want both", first.identity)
	}
	take(19, "")
	d.ended(first)
	d.ended(second)
	if d.count() != 2 {
		t.Errorf("when they have ended: got %d left, want one to end again and one that was not due", d.count())
	}
	take(20, "a", "i/a")
	d.ended(dueEnds{scopes: []cache.Scope{"i/a"}, taken: at(20)})
	take(30, "a", "l/later")
	d.ended(dueEnds{scopes: []cache.Scope{"l/later"}, taken: at(30)})
	if _, _, more := d.take(at(60)); more || d.begin() {
		t.Error("when all have ended: got somebody to look after them, want nobody")
	}
	for n := range deferredEndsAtOnce + 1 {
		d.add("c", []cache.Scope{cache.Scope(strconv.Itoa(n))}, at(60))
	}
	if due, _, _ := d.take(at(60)); len(due.scopes) != deferredEndsAtOnce {
		t.Errorf("got %d at once, want %d", len(due.scopes), deferredEndsAtOnce)
	}
}
