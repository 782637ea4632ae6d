package cache_test

import (
	"fmt"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
)

// A watch tells what ended while it was open, and nothing else.
func TestRecorderTellsWhatEnded(t *testing.T) {
	e := cache.NewEpochs()
	before, other := cache.IdentityScope("before"), cache.IdentityScope("other")
	fence(e, before).Done()
	open := fence(e, cache.IdentityScope("open"))
	w := e.RecordInvalidations()
	fence(e, cache.IdentityScope("changed")).Done()
	fence(e, cache.IdentityScope("unchanged")).Cancel()
	fence(e, cache.IdentityScope("unknown")).LeavePending()
	e.End(cache.IdentityScope("heard of"))
	open.Done()
	for scope, want := range map[cache.Scope]bool{
		before: false, other: false, cache.IdentityScope("unchanged"): false,
		cache.IdentityScope("changed"): true, cache.IdentityScope("unknown"): true,
		cache.IdentityScope("heard of"): true, cache.IdentityScope("open"): true,
	} {
		if got := w.Ended(scope); got != want {
			t.Errorf("%s: got ended %v, want %v", scope, got, want)
		}
	}
	w.Close()
	if fence(e, other).Done(); w.Ended(other) {
		t.Error("after Close: got ended, want nothing noted")
	}
}

// A watch that cannot tell any more says that all may have ended.
func TestRecorderIsBounded(t *testing.T) {
	e := cache.NewEpochs()
	w := e.RecordInvalidations()
	defer w.Close()
	for n := range 2000 {
		e.End(cache.IdentityScope(fmt.Sprint(n)))
	}
	if !w.Ended(cache.IdentityScope("quiet")) {
		t.Error("after 2,000 ends: got that a scope did not end, want that it may have")
	}
}

// What ended is told before its new epoch can be read: whoever reads an epoch and
// then asks the recorder keeps nothing older.
func TestRecorderBeforeEpoch(t *testing.T) {
	e := cache.NewEpochs()
	scope := cache.IdentityScope("i")
	scopes := []cache.Scope{scope}
	for n := range 500 { // so that their epochs are not all new at once
		scopes = append(scopes, cache.PoolScope(fmt.Sprint(n)))
	}
	for range 200 {
		w := e.RecordInvalidations()
		change := fence(e, scopes...)
		ended := make(chan struct{})
		go func() { change.Done(); close(ended) }()
		for stamp := e.Read(scope); ; stamp = e.Read(scope) {
			if !stamp.Stands() {
				continue
			}
			if !w.Ended(scope) {
				t.Fatal("got the epoch after a change that the watch does not tell of")
			}
			break
		}
		<-ended
		w.Close()
	}
}
