package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// told is a fleet whose changes end as it says.
type told struct {
	lease  *cache.Lease
	epochs []cache.Epoch // of Done
	err    error         // of Done and Cancel
	begin  error         // of BeginFence
}

func (f told) Lease() *cache.Lease                         { return f.lease }
func (f told) Done(context.Context) ([]cache.Epoch, error) { return f.epochs, f.err }
func (f told) Cancel(context.Context) error                { return f.err }
func (f told) BeginFence(context.Context, []cache.Scope) (cache.SharedFence, error) {
	return f, f.begin
}

// inFleet are epochs of a process that holds its lease, and a stamp of two scopes.
func inFleet(f told) (*cache.Epochs, *cache.Lease, cache.Stamp) {
	f.lease = cache.NewLease()
	f.lease.Extend(time.Now().Add(time.Hour))
	e := cache.NewEpochs()
	e.ShareWith(f)
	return e, f.lease, e.Read("i/x", "p/p").With(map[cache.Scope]cache.Epoch{"i/x": {1}, "p/p": {2}})
}

// What a fence over a fleet leaves is what the fleet says: a fence that it did not cancel
// puts nothing back here either, and a change brings a stamp only with the fleet's epochs.
func TestFencesEndAsTheFleetSays(t *testing.T) {
	both := []cache.Epoch{{3}, {4}}
	for name, c := range map[string]struct {
		fleet       told
		end         func(*cache.Fence) cache.Stamp
		again, news bool // what was valid is so again; the change brought a valid stamp
	}{
		"cancelled":                     {told{}, cancelled, true, false},
		"not cancelled":                 {told{err: cache.ErrFleet}, cancelled, false, false},
		"done":                          {told{epochs: both}, done, false, true},
		"done, and others overlapped":   {told{}, done, false, false},
		"done, of which nobody can say": {told{err: cache.ErrFleet}, done, false, false},
	} {
		e, _, before := inFleet(c.fleet)
		f, err := e.Fence(t.Context(), "i/x", "p/p")
		if err != nil {
			t.Fatal(err)
		}
		stamp := c.end(f)
		if before.Valid() != c.again || before.Suspended() {
			t.Errorf("%s: the stamp before: got valid %v, suspended %v; want %v, false", name, before.Valid(), before.Suspended(), c.again)
		}
		if stamp.Valid() != c.news {
			t.Errorf("%s: the stamp of the change: got valid %v, want %v", name, stamp.Valid(), c.news)
		}
	}
}

func cancelled(f *cache.Fence) cache.Stamp { f.Cancel(); return cache.Stamp{} }
func done(f *cache.Fence) cache.Stamp      { stamp, _ := f.Done(); return stamp }

// Two stamps joined are of the earlier term of the lease, whichever comes first: what ended
// between may have gone unheard.
func TestJoinedStampsAreOfTheEarlierTerm(t *testing.T) {
	e, lease, earlier := inFleet(told{})
	later := func() cache.Stamp { return e.Read("l/l").With(map[cache.Scope]cache.Epoch{"l/l": {5}}) }
	if together := later(); !cache.JoinStamps(earlier, together).Valid() || !cache.JoinStamps(together, earlier).Valid() {
		t.Error("in one term: got invalid, want valid")
	}
	lease.NextTerm()
	if next := later(); !next.Valid() || cache.JoinStamps(earlier, next).Valid() || cache.JoinStamps(next, earlier).Valid() {
		t.Error("of two terms: got a valid stamp, want none")
	}
}

// A stamp that was never valid is not suspended, whatever fences are open: when they are
// cancelled, it is not valid either.
func TestNeverSuspended(t *testing.T) {
	e := cache.NewEpochs()
	f := fence(e, "i/x")
	during := e.Read("i/x", "p/p")
	other := fence(e, "p/p")
	if during.Suspended() {
		t.Error("what was stamped under a fence: got suspended, want ended")
	}
	other.Cancel()
	f.Cancel()
	if during.Valid() {
		t.Error("what was stamped under a fence, after it: got valid, want not")
	}
	of, _, _ := inFleet(told{})
	unknown := of.Read("i/x", "p/p").With(map[cache.Scope]cache.Epoch{"i/x": {1}})
	if _, err := of.Fence(t.Context(), "i/x"); err != nil {
		t.Fatal(err)
	}
	if unknown.Suspended() {
		t.Error("what the fleet has no epoch for: got suspended, want ended")
	}
}

// A fence that the fleet does not begin ends nothing here: the change is not made.
func TestFenceThatDoesNotBegin(t *testing.T) {
	e, _, before := inFleet(told{begin: cache.ErrFleet})
	if _, err := e.Fence(t.Context(), "i/x", "p/p"); !errors.Is(err, cache.ErrFleet) {
		t.Fatalf("got %v, want %v", err, cache.ErrFleet)
	}
	if !before.Valid() {
		t.Error("the stamp before: got invalid, want valid")
	}
}
