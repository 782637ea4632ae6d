package flows_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// roleAt is the role that a user gets at a broker, and whether from the cache.
func roleAt(t *testing.T, m *fleetBroker, n int) (role string, hit bool) {
	t.Helper()
	role, hit, err := (crowd{m.rig, 99}).one(n)
	if err != nil {
		t.Errorf("user %d: %v", n, err)
	}
	return role, hit
}

// poolChanges is how many changes of the pool are noted.
func (m *fleetBroker) poolChanges(t *testing.T) int {
	t.Helper()
	noted, err := m.Shared.PoolChangesOf(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	return len(noted)
}

// Of a change that one broker makes, all brokers know: an answer at another that may be
// of the state after it ends what all are served.
func TestUnknownOutcomeInAFleet(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	a, b := c.join(), c.join()
	a.losing(false)
	for n := range 3 {
		roleAt(t, a, n)
		roleAt(t, b, n)
	}
	if err := a.setRoles("new"); err == nil {
		t.Fatal("got no error")
	}
	for n := range 3 {
		for _, m := range []*fleetBroker{a, b} {
			if role, hit := roleAt(t, m, n); role != "t" || !hit {
				t.Errorf("while the outcome is unknown: got %s, a hit %t; want what was cached", role, hit)
			}
		}
	}
	c.backend.set(func(b *backend) { b.pool.role = "new" })
	if role, _ := roleAt(t, b, 50); role != "new" {
		t.Errorf("who was not served before: got %s", role)
	}
	for n := range 3 {
		for _, m := range []*fleetBroker{a, b} {
			if role, _ := roleAt(t, m, n); role != "new" {
				t.Errorf("after somebody got the new role: got %s", role)
			}
		}
	}
	c.ahead.Store(int64(time.Minute))
	waitUntil(t, "the end of the pool change", func() bool { return a.poolChanges(t) == 0 })
}

// A change whose broker died is settled by another one, and meanwhile all are served
// from the cache.
func TestUnknownOutcomeOfABrokerThatDied(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			c := newTestFleet(t)
			a, b := c.join(), c.join()
			run(t, b)
			for n := range 3 {
				roleAt(t, b, n)
			}
			stuck, release := make(chan struct{}), make(chan struct{})
			t.Cleanup(func() { close(release) })
			c.backend.set(func(b *backend) {
				b.pool.outcome = func(_ string, do func()) error {
					if made {
						do()
					}
					close(stuck)
					<-release
					return cut()
				}
			})
			go a.setRoles("new")
			<-stuck
			a.way.Cut() // as if it had been killed
			for n := range 3 {
				if role, hit := roleAt(t, b, n); !made && (role != "t" || !hit) {
					t.Errorf("after the broker died: got %s, a hit %t; want what was cached", role, hit)
				}
			}
			if made {
				waitUntil(t, "the end of what was cached", func() bool { role, _ := roleAt(t, b, 0); return role == "new" })
				for n := range 3 {
					if role, _ := roleAt(t, b, n); role != "new" {
						t.Errorf("when it is known: got %s", role)
					}
				}
			} else {
				reads := c.backend.pool.reads.Load()
				waitUntil(t, "a reading by the other broker", func() bool { return c.backend.pool.reads.Load() > reads })
				for n := range 3 {
					if role, hit := roleAt(t, b, n); role != "t" || !hit {
						t.Errorf("when it is read: got %s, a hit %t; want what was cached", role, hit)
					}
				}
			}
			c.ahead.Store(int64(time.Minute))
			waitUntil(t, "the end of the pool change", func() bool { return b.poolChanges(t) == 0 })
		})
	}
}

// Where Redis lost what was noted, the change's own broker notes it again.
func TestPoolChangeThatRedisLost(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	a, b := c.join(), c.join()
	a.losing(false)
	if err := a.setRoles("new"); err == nil {
		t.Fatal("got no error")
	}
	c.redis.FlushAll()
	waitUntil(t, "the note", func() bool { return b.poolChanges(t) == 1 })
	roleAt(t, a, 0)
	c.backend.set(func(b *backend) { b.pool.role = "new" })
	if role, _ := roleAt(t, b, 50); role != "new" {
		t.Errorf("who was not served before: got %s", role)
	}
	if role, _ := roleAt(t, a, 0); role != "new" {
		t.Errorf("after somebody got the new role: got %s", role)
	}
	c.ahead.Store(int64(time.Minute))
	waitUntil(t, "the end of the pool change", func() bool { return a.poolChanges(t) == 0 })
}

// orderedChanges tells of the changes of settings before those of roles.
type orderedChanges struct{ flows.Shared }

func (o orderedChanges) PoolChangesOf(ctx context.Context, pool string) ([]cache.PoolChange, error) {
	noted, err := o.Shared.PoolChangesOf(ctx, pool)
	slices.SortFunc(noted, func(a, b cache.PoolChange) int { return bytes.Compare(b.Text, a.Text) })
	return noted, err
}

// Of two changes of a pool with a change of unknown outcome each is read for itself.
func TestTwoUnknownOutcomesOfAPool(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	m := c.join(func(f *flows.Config) { f.Shared = orderedChanges{f.Shared} })
	roleAt(t, m, 0)
	m.losing(false)
	for _, operation := range []string{"SetIdentityPoolRoles", "UpdateIdentityPool"} {
		if err := poolChanges[operation](m.rig, "new"); err == nil {
			t.Fatal("got no error")
		}
	}
	c.backend.set(func(b *backend) { b.pool.role = "new" }) // the first arrives
	if role, _ := roleAt(t, m, 50); role != "new" {
		t.Errorf("who was not served before: got %s", role)
	}
	if role, _ := roleAt(t, m, 0); role != "new" {
		t.Errorf("after somebody got the new role: got %s", role)
	}
	c.ahead.Store(int64(time.Minute))
	waitUntil(t, "the end of the pool changes", func() bool { return m.poolChanges(t) == 0 })
}

// keepingChanges is a fleet that cannot be told once that a change is settled, and whose
// answer is lost when one is noted.
type keepingChanges struct {
	flows.Shared
	failed *atomic.Bool
	noted  error
}

func (u keepingChanges) PutPoolChange(ctx context.Context, d cache.PoolChange) error {
	if err := u.Shared.PutPoolChange(ctx, d); err != nil {
		return err
	}
	return u.noted
}

func (u keepingChanges) DropPoolChange(ctx context.Context, d cache.PoolChange) error {
	if u.failed.CompareAndSwap(false, true) {
		return cache.ErrFleet
	}
	return u.Shared.DropPoolChange(ctx, d)
}

// A change whose outcome is known is forgotten, also where that did not succeed at first. So
// is one that was not tried, since nobody knows whether it is noted.
func TestSettledChangesAreForgotten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ noted, change, want error }{
		"made":      {nil, nil, nil},
		"refused":   {nil, surelyNotMade["throttled"], surelyNotMade["throttled"]},
		"not tried": {cache.ErrFleet, nil, cache.ErrFleet},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestFleet(t)
			var failed atomic.Bool
			m := c.join(func(f *flows.Config) { f.Shared = keepingChanges{f.Shared, &failed, test.noted} })
			c.backend.set(func(b *backend) {
				b.changes = test.change
				b.before = func(operation string) {
					if test.noted != nil {
						t.Errorf("%s was sent", operation)
					}
				}
			})
			if err := m.setRoles("new"); !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			waitUntil(t, "that the fleet cannot be told", failed.Load)
			if test.noted == nil {
				waitUntil(t, "a reading afterwards", func() bool { return c.backend.pool.reads.Load() > 1 })
			}
			c.ahead.Store(int64(time.Minute))
			waitUntil(t, "the end of what is noted", func() bool { return m.poolChanges(t) == 0 })
		})
	}
}

// Without Redis no pool is changed.
func TestNoPoolChangeWithoutRedis(t *testing.T) {
	c := newTestFleet(t)
	a := c.join(func(f *flows.Config) { f.Timeout = time.Second })
	a.way.Cut()
	c.backend.set(func(b *backend) { b.before = func(operation string) { t.Errorf("%s was sent", operation) } })
	for operation, change := range poolChanges {
		if err := change(a.rig, "new"); err == nil {
			t.Errorf("%s: got no error", operation)
		}
	}
}

// Nor where no fence can be set: after the change one must be.
func TestNoPoolChangeWithoutAFence(t *testing.T) {
	r := newRig(t)
	r.Epochs.ShareWith(&unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}})
	r.backend.set(func(b *backend) { b.before = func(operation string) { t.Errorf("%s was sent", operation) } })
	for operation, change := range poolChanges {
		if err := change(r, "new"); !errors.Is(err, cognito.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", operation, err, cognito.ErrUnavailable)
		}
	}
}

// run lets a broker do what it does beside requests.
func run(t *testing.T, m *fleetBroker) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}
