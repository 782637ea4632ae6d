package flows_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// unreachable is a fleet that nobody reaches while it is down; it counts how often
// each scope was ended.
type unreachable struct {
	lease *cache.Lease
	mu    sync.Mutex
	down  bool
	ended map[cache.Scope]int
	begun func() // within Begin, once; nil: nothing happens
}

func (u *unreachable) Lease() *cache.Lease { return u.lease }

func (u *unreachable) BeginFence(_ context.Context, scopes []cache.Scope) (cache.SharedFence, error) {
	u.mu.Lock()
	if u.down {
		u.mu.Unlock()
		return nil, cache.ErrFleet
	}
	for _, s := range scopes {
		u.ended[s]++
	}
	begun := u.begun
	u.begun = nil
	u.mu.Unlock()
	if begun != nil {
		begun()
	}
	return noChange{}, nil
}

// set says whether it is down.
func (u *unreachable) set(down bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.down = down
}

type noChange struct{}

func (noChange) Done(context.Context) ([]cache.Epoch, error) { return nil, nil }
func (noChange) Cancel(context.Context) error                { return nil }

// What the fleet could not be told of when it happened, it is told of as soon as it
// can be reached again; what happens while it is told, once more.
func TestPendingFencesAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var owed []bool
		r.Service = flows.New(func() flows.Config {
			c := r.Config
			c.Owed = func(now bool) { owed = append(owed, now) }
			return c
		}())
		fleet := &unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}}
		r.Epochs.ShareWith(fleet)
		ctx := t.Context()
		for range 3 {
			if err := r.Fence(ctx, "i/a", "i/b"); !errors.Is(err, cognito.ErrUnavailable) {
				t.Fatalf("a fence while the fleet is down: got %v, want %v", err, cognito.ErrUnavailable)
			}
		}
		if got, want := r.PendingFences(), (flows.PendingFences{Owed: 2}); got != want {
			t.Errorf("pending: got %+v, want %+v", got, want)
		}
		time.Sleep(time.Minute)
		fleet.begun = func() {
			fleet.set(true)
			_ = r.Fence(ctx, "i/a") // changed again, and again nobody could be told
			fleet.set(false)
		}
		fleet.set(false)
		time.Sleep(time.Minute)
		fleet.mu.Lock()
		defer fleet.mu.Unlock()
		if fleet.ended["i/a"] < 2 || fleet.ended["i/b"] < 1 {
			t.Errorf("got a ended %d times, b %d times; want 2 and 1 at least", fleet.ended["i/a"], fleet.ended["i/b"])
		}
		if got := r.PendingFences(); got != (flows.PendingFences{}) || !slices.Equal(owed, []bool{true, false}) {
			t.Errorf("at the end: got %+v, and was told %v; want none, and true, false", got, owed)
		}
	})
}
