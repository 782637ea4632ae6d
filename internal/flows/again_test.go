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

// again is the credentials of whoever sends again what he sent, or nothing.
func (m *member) again(g *cache.MemoCondition) string {
	seen, _ := m.Again(m.t.Context(), g)
	if seen == nil {
		return ""
	}
	defer seen.Release()
	return string(seen.AccessKeyID)
}

// Whoever sends the same again has the same from the fleet, until anything is no
// longer as it was; the full way decides then.
func TestAgain(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(c *company, m, other *member)
		want    bool
	}{
		"nothing":                   {func(*company, *member, *member) {}, true},
		"time":                      {func(c *company, _, _ *member) { c.ahead.Store(int64(30 * time.Minute)) }, true},
		"his token expires":         {func(c *company, _, _ *member) { c.ahead.Store(int64(35*time.Minute + time.Second)) }, false},
		"a fence by another":        {func(_ *company, _, other *member) { other.fence(cache.IdentityScope(user)) }, false},
		"a fence of the pool":       {func(_ *company, m, _ *member) { m.fence(cache.PoolScopes(pool)...) }, false},
		"a fence that is here only": {func(_ *company, m, _ *member) { m.Epochs.End(cache.IdentityScope(user)) }, false},
		"Redis is away":             {func(_ *company, m, _ *member) { m.way.Cut() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCompany(t)
			m, other := c.join(noMemory(t)), c.join()
			token, ask := stating(35*time.Minute), &flows.Ask{}
			key, err := m.askWith(ask, user, map[string]string{"accounts.elsewhere": token})
			if err != nil || ask.Guard == nil {
				t.Fatalf("got %v and a guard %v, want credentials that may be had again", err, ask.Guard != nil)
			}
			before := ask.Guard.Entry.Serves()
			if got := m.again(ask.Guard); got != key {
				t.Fatalf("at once: got %q, want %q", got, key)
			}
			if got := ask.Guard.Entry.Serves() - before; got != 1 {
				t.Errorf("got %d hand-outs noted, want 1", got)
			}
			test.happens(c, m, other)
			want := ""
			if test.want {
				want = key
			}
			if got := m.again(ask.Guard); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			c.exchanges(1)
		})
	}
}

// What another broker renewed is for the full way first: it notes who asks for that.
func TestAgainAfterRenewal(t *testing.T) {
	c := newCompany(t)
	m, other := c.join(noMemory(t)), c.join(noMemory(t))
	ask := &flows.Ask{}
	if _, err := m.ask(user, "", ask); err != nil {
		t.Fatal(err)
	}
	c.ahead.Store(int64(10 * time.Minute))
	fresh, err := other.ask(user, "", &flows.Ask{RequestFloor: 52 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	c.exchanges(2)
	if got := m.again(ask.Guard); got != "" {
		t.Errorf("after it was renewed: got %q, want the full way", got)
	}
	if got, err := m.ask(user, "", ask); err != nil || got != fresh {
		t.Errorf("the full way: got %s %v, want %s", got, err, fresh)
	}
	if got := m.again(ask.Guard); got != fresh {
		t.Errorf("after that: got %q, want %s", got, fresh)
	}
	c.exchanges(2)
}

// While a renewal is due that nobody makes, the full way looks after it now and then.
func TestAgainWhileRenewalIsDue(t *testing.T) {
	c := newCompany(t)
	m := c.join(noMemory(t), func(c *flows.Config) { c.Schedule = c.Shared.(telling).Shared.(*fleet.Fleet) })
	ask := &flows.Ask{}
	key, err := m.ask(user, "", ask)
	if err != nil {
		t.Fatal(err)
	}
	c.ahead.Store(int64(37 * time.Minute))
	if got := m.again(ask.Guard); got != "" {
		t.Errorf("when it is due: got %q, want the full way", got)
	}
	if got, err := m.ask(user, "", ask); err != nil || got != key {
		t.Errorf("the full way: got %s %v, want %s", got, err, key)
	}
	if got := m.again(ask.Guard); got != key {
		t.Errorf("after that: got %q, want %s", got, key)
	}
	c.ahead.Store(int64(37*time.Minute + 15*time.Second))
	if got := m.again(ask.Guard); got != "" {
		t.Errorf("15 seconds later: got %q, want the full way", got)
	}
	c.exchanges(1)
}
