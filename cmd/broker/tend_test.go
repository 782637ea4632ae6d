package main

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
	"github.com/cognito-broker/broker/internal/settings"
)

// unobserved observes nothing of a fleet.
type unobserved struct{}

func (unobserved) Fence(string, time.Duration) {}
func (unobserved) Subscription(bool)           {}
func (unobserved) AnnouncementsMissed()        {}
func (unobserved) OpenFailed()                 {}
func (unobserved) Redis(string, time.Duration) {}

// company is a fleet whose brokers are their settlers alone.
type company struct {
	redis      *redistest.Server
	name, seal []byte
}

func newCompany(t *testing.T) *company {
	c := &company{redis: redistest.Single(t), name: make([]byte, 32), seal: make([]byte, 32)}
	rand.Read(c.name)
	rand.Read(c.seal)
	return c
}

// share is a broker's share in the fleet; keys seal and open, the fleet's where none is given.
func (c *company) share(t *testing.T, keys ...[]byte) *fleet.Fleet {
	t.Helper()
	if keys == nil {
		keys = [][]byte{c.seal}
	}
	const patient = 10 * time.Second // on a busy machine
	f, err := fleet.New(fleet.Config{
		Server: fleet.Server{Addresses: []string{c.redis.Addr()}, DialTimeout: patient, ReadTimeout: patient, WriteTimeout: patient},
		Keys:   keys, NameKey: c.name, FenceLife: patient, Observer: unobserved{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// front is the settler of a broker in front of upstream, and what that is configured with.
type front struct {
	*settler
	state settings.State
}

func (c *company) front(t *testing.T, state settings.State, keys ...[]byte) *front {
	t.Helper()
	b := &front{state: state}
	var err error
	b.settler, err = newSettler(t.Context(), c.share(t, keys...), "kind", &backend{
		state: func(context.Context) (settings.State, error) { return b.state, nil },
	}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// settles has a broker settle.
func (b *front) settles(t *testing.T) *front {
	t.Helper()
	if err := b.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// of is the generation of a pool.
func (b *front) of(pool string) string { return b.Generation(pool, nil) }

// lapse has nobody go by the record any more, as time would.
func (c *company) lapse(t *testing.T) {
	t.Helper()
	for _, mark := range c.redis.Client().Keys(t.Context(), "*:used:*").Val() {
		c.redis.Client().Del(t.Context(), mark)
	}
}

// record is what the fleet has.
func (c *company) record(t *testing.T) (r settings.Record, tended bool) {
	t.Helper()
	seen, err := c.share(t).ReadSettings(t.Context(), "kind")
	if err != nil {
		t.Fatal(err)
	}
	r, _ = settings.Read(seen.Text)
	return r, seen.InUse
}

// raw is the record as it stands in Redis.
func (c *company) raw(t *testing.T) string {
	t.Helper()
	names := c.redis.Client().Keys(t.Context(), "*:settings:*").Val()
	if len(names) != 1 {
		t.Fatalf("got %d records, want one", len(names))
	}
	return c.redis.Client().Get(t.Context(), names[0]).Val()
}

// unitOf is a unit that differs by a number.
func unitOf(n byte) settings.Unit { return settings.Unit{Exact: settings.Digest{n}} }

func stateOf(p byte) settings.State {
	return settings.State{unitAll: unitOf(1), unitPool + "p": unitOf(p), unitPool + "same": unitOf(1)}
}

// A broker keeps up the record that it goes by, whatever becomes of it: it writes it again
// where Redis lost it, goes by that of others who are configured alike, and leaves it to
// those who are configured otherwise, as long as they are there.
func TestTend(t *testing.T) {
	t.Parallel()
	type scene struct {
		*company
		a     *front
		other *front
	}
	joins := func(t *testing.T, s *scene, state settings.State) { s.other = s.front(t, state).settles(t) }
	for name, c := range map[string]struct {
		happens func(t *testing.T, s *scene)
		theirs  bool // the record is of the other's settings afterwards; else of a's
		goes    bool // a goes by the other's generations; else by those that it had
	}{
		"nothing":           {happens: func(*testing.T, *scene) {}},
		"nobody tended it":  {happens: func(t *testing.T, s *scene) { s.lapse(t) }},
		"Redis was emptied": {happens: func(_ *testing.T, s *scene) { s.redis.FlushAll() }},
		"another began anew, alike": {happens: func(t *testing.T, s *scene) {
			s.redis.FlushAll()
			joins(t, s, stateOf(1))
		}, goes: true},
		"another began, alike":     {happens: func(t *testing.T, s *scene) { joins(t, s, stateOf(1)) }, goes: true},
		"another began, otherwise": {happens: func(t *testing.T, s *scene) { joins(t, s, stateOf(2)) }, theirs: true},
		"another was there, otherwise, and is gone": {happens: func(t *testing.T, s *scene) {
			joins(t, s, stateOf(2))
			s.lapse(t)
		}},
		"what no key opens": {happens: func(t *testing.T, s *scene) {
			f := s.share(t, make([]byte, 32))
			seen, err := f.ReadSettings(t.Context(), "kind")
			if err == nil {
				_, _, err = f.ReplaceSettings(t.Context(), "kind", seen, []byte("text"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		"a pool more, while it runs": {happens: func(_ *testing.T, s *scene) { s.a.state[unitPool+"q"] = unitOf(1) }},
		"a pool more, and another began, otherwise": {happens: func(t *testing.T, s *scene) {
			joins(t, s, stateOf(2))
			s.a.state[unitPool+"q"] = unitOf(1)
		}, theirs: true},
	} {
		t.Run(name, func(t *testing.T) {
			company := newCompany(t)
			s := &scene{company, company.front(t, stateOf(1)).settles(t), nil}
			had := s.a.of("p")
			c.happens(t, s)
			for _, when := range []string{"once", "again"} {
				if err := s.a.tend(t.Context()); err != nil {
					t.Fatal(err)
				}
				of := s.a
				if c.theirs {
					of = s.other
				}
				record, tended := s.record(t)
				if !record.Of(of.state) || !tended {
					t.Errorf("tended %s: got a record of theirs %v, tended %v; want theirs %v", when, !record.Of(s.a.state), tended, c.theirs)
				}
				if got, _ := record.Generation(unitPool + "p"); string(got[:]) != of.of("p")[len(got):] {
					t.Errorf("tended %s: the record has another generation than its broker", when)
				}
				if c.goes {
					had = s.other.of("p")
				}
				if s.a.of("p") != had {
					t.Errorf("tended %s: got another generation than before, or than the other's", when)
				}
				s.lapse(t)
				if c.theirs {
					if err := s.other.tend(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// Without Redis nothing is tended, and what the broker goes by stays.
func TestTendWithoutRedis(t *testing.T) {
	c := newCompany(t)
	a := c.front(t, stateOf(1)).settles(t)
	had := a.of("p")
	c.redis.Kill()
	if err := a.tend(t.Context()); !errors.Is(err, cache.ErrFleet) || a.of("p") != had {
		t.Errorf("got %v, another generation: %v; want it not available, and the same", err, a.of("p") != had)
	}
}
