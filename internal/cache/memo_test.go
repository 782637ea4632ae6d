package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// nowhere is a spot with nothing.
type nowhere struct{}

func (nowhere) Read(context.Context) (*cache.EntryView, error) { return nil, nil }

// agreeing is a fleet in which all agree to whatever is changed.
type agreeing struct{ lease *cache.Lease }

func (a agreeing) Lease() *cache.Lease { return a.lease }

func (agreeing) BeginFence(context.Context, []cache.Scope) (cache.SharedFence, error) {
	return nil, nil
}

// What a memo does for an answer of a fleet, in order: it serves it under the lease,
// tells where the fleet keeps it without, and leaves it to the full way when the lease
// is regained, for what ended meanwhile may have gone unheard. What it tells of a fleet
// may have ended; then it forgets that when it is weeded.
func TestMemoUnderLease(t *testing.T) {
	for name, test := range map[string]struct {
		bodies bool
		spot   cache.EntryRef
		// what there is: a body, a spot, nothing
		leased, lapsed, regained, ended string
	}{
		"memory":           {true, nowhere{}, "body", "spot", "", ""},
		"memory, no spot":  {true, nil, "body", "", "", ""},
		"no memory":        {false, nowhere{}, "spot", "spot", "spot", "spot"},
		"neither of these": {false, nil, "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				epochs, lease := cache.NewEpochs(), cache.NewLease()
				epochs.ShareWith(agreeing{lease})
				memo, err := cache.NewMemo(10, test.bodies)
				if err != nil {
					t.Fatal(err)
				}
				defer memo.Close()
				key := memo.Key([]byte("r"), 0, []byte("b"))
				now := time.Now()
				e := &cache.Entry{
					Credentials: cache.Credentials{Expires: now.Add(time.Hour)}, Issued: now,
					Stamp: epochs.Read("i/i", "p/p").With(map[cache.Scope]cache.Epoch{"i/i": {1}, "p/p": {2}}),
				}
				put := func() { memo.Put(key, now, &cache.MemoCondition{Entry: e, Ref: test.spot}, []byte("answer")) }
				wants := func(when, want string) {
					t.Helper()
					defer memo.DropStale(key, time.Now())
					body, _, guard := memo.Get(key, time.Now())
					got := ""
					switch {
					case body != nil:
						got = "body"
					case guard != nil:
						got = "spot"
					}
					if got != want {
						t.Errorf("%s: got %q, want %q", when, got, want)
					}
				}
				lease.Extend(now.Add(2 * time.Second))
				put()
				wants("under the lease", test.leased)
				time.Sleep(2 * time.Second)
				wants("after it lapsed", test.lapsed)
				lease.NextTerm()
				lease.Extend(time.Now().Add(2 * time.Second))
				wants("regained", test.regained)
				put()
				epochs.End("p/p")
				wants("after a fence", test.ended)
				wants("after that was weeded", "")
			})
		})
	}
}

// A memo answers until a renewal may be made, which is the full path's matter, and
// never below the floor.
func TestMemoUntilRenewal(t *testing.T) {
	for name, test := range map[string]struct {
		renewed bool
		happens func(e *cache.Entry)
		last    time.Duration // of a life of an hour with a floor of 20 minutes
	}{
		"due":               {true, func(*cache.Entry) {}, 33 * time.Minute},
		"not renewed":       {false, func(*cache.Entry) {}, 40 * time.Minute},
		"renewal put off":   {true, func(e *cache.Entry) { e.PostponeRenewal(start.Add(37 * time.Minute)) }, 37 * time.Minute},
		"put off beyond":    {true, func(e *cache.Entry) { e.PostponeRenewal(start.Add(50 * time.Minute)) }, 40 * time.Minute},
		"renewal has ended": {true, func(e *cache.Entry) { e.EndRenewal() }, 40 * time.Minute},
	} {
		memo, err := cache.NewMemo(10, true)
		if err != nil {
			t.Fatal(err)
		}
		key, e := memo.Key([]byte("r"), 0, []byte("b")), entry(cache.NewEpochs(), time.Hour)
		test.happens(e)
		memo.Put(key, start, &cache.MemoCondition{Entry: e, Floor: 20 * time.Minute, Renewed: test.renewed}, []byte("answer"))
		for at, want := range map[time.Duration]bool{test.last - 1: true, test.last: false} {
			memo.Put(key, start, &cache.MemoCondition{Entry: e, Floor: 20 * time.Minute, Renewed: test.renewed}, []byte("answer"))
			if body, _, _ := memo.Get(key, start.Add(at)); (body != nil) != want {
				t.Errorf("%s, at %v: got an answer %v, want %v", name, at, body != nil, want)
			}
		}
		memo.Close()
	}
}
