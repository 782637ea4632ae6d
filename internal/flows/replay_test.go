package flows_test

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/flows"
)

// noMemory leaves a broker without a memory tier.
func noMemory(t *testing.T) func(*flows.Config) {
	return func(c *flows.Config) {
		memory, err := cache.NewMemory(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Memory = memory
	}
}

// replay is the credentials of whoever sends again what he sent, or nothing.
func (m *fleetBroker) replay(g *cache.MemoCondition) string {
	seen, _ := m.Replay(m.t.Context(), g)
	if seen == nil {
		return ""
	}
	defer seen.Release()
	return string(seen.AccessKeyID)
}

// Whoever sends the same again has the same from the fleet, until anything is no
// longer as it was; the full way decides then.
func TestReplay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(c *testFleet, m, other *fleetBroker)
		want    bool
	}{
		"nothing": {func(*testFleet, *fleetBroker, *fleetBroker) {}, true},
		"time":    {func(c *testFleet, _, _ *fleetBroker) { c.ahead.Store(int64(30 * time.Minute)) }, true},
		"his token expires": {
			func(c *testFleet, _, _ *fleetBroker) { c.ahead.Store(int64(35*time.Minute + time.Second)) }, false,
		},
		"a fence by another": {
			func(_ *testFleet, _, other *fleetBroker) { other.fence(cache.IdentityScope(user)) }, false,
		},
		"a fence of the pool": {func(_ *testFleet, m, _ *fleetBroker) { m.fence(cache.PoolScopes(pool)...) }, false},
		"a fence that is here only": {
			func(_ *testFleet, m, _ *fleetBroker) { m.Epochs.End(cache.IdentityScope(user)) }, false,
		},
		"Redis is away": {func(_ *testFleet, m, _ *fleetBroker) { m.way.Cut() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestFleet(t)
			m, other := c.join(noMemory(t)), c.join()
			token, info := stating(35*time.Minute), &flows.CallInfo{}
			key, err := m.askWith(info, user, map[string]string{"accounts.elsewhere": token})
			if err != nil || info.Condition == nil {
				t.Fatalf("got %v and a condition %v, want credentials that may be had again", err, info.Condition != nil)
			}
			before := info.Condition.Entry.Serves()
			if got := m.replay(info.Condition); got != key {
				t.Fatalf("at once: got %q, want %q", got, key)
			}
			if got := info.Condition.Entry.Serves() - before; got != 1 {
				t.Errorf("got %d serves noted, want 1", got)
			}
			test.happens(c, m, other)
			want := ""
			if test.want {
				want = key
			}
			if got := m.replay(info.Condition); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			c.exchanges(1)
		})
	}
}

// What another broker renewed is for the full way first: it notes who asks for that.
func TestReplayAfterRenewal(t *testing.T) {
	c := newTestFleet(t)
	m, other := c.join(noMemory(t)), c.join(noMemory(t))
	info := &flows.CallInfo{}
	if _, err := m.ask(user, "", info); err != nil {
		t.Fatal(err)
	}
	c.ahead.Store(int64(10 * time.Minute))
	fresh, err := other.ask(user, "", &flows.CallInfo{RequestFloor: 52 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	c.exchanges(2)
	if got := m.replay(info.Condition); got != "" {
		t.Errorf("after it was renewed: got %q, want the full way", got)
	}
	if got, err := m.ask(user, "", info); err != nil || got != fresh {
		t.Errorf("the full way: got %s %v, want %s", got, err, fresh)
	}
	if got := m.replay(info.Condition); got != fresh {
		t.Errorf("after that: got %q, want %s", got, fresh)
	}
	c.exchanges(2)
}

// While a renewal is due that nobody makes, the full way looks after it now and then.
func TestReplayWhileRenewalIsDue(t *testing.T) {
	c := newTestFleet(t)
	m := c.join(noMemory(t), func(c *flows.Config) { c.Schedule = c.Shared.(telling).Shared.(*fleet.Fleet) })
	info := &flows.CallInfo{}
	key, err := m.ask(user, "", info)
	if err != nil {
		t.Fatal(err)
	}
	c.ahead.Store(int64(37 * time.Minute))
	if got := m.replay(info.Condition); got != "" {
		t.Errorf("when it is due: got %q, want the full way", got)
	}
	if got, err := m.ask(user, "", info); err != nil || got != key {
		t.Errorf("the full way: got %s %v, want %s", got, err, key)
	}
	if got := m.replay(info.Condition); got != key {
		t.Errorf("after that: got %q, want %s", got, key)
	}
	c.ahead.Store(int64(37*time.Minute + 15*time.Second))
	if got := m.replay(info.Condition); got != "" {
		t.Errorf("15 seconds later: got %q, want the full way", got)
	}
	c.exchanges(1)
}
