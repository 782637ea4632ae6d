package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// with is a report with the renewal request of tokens that expire after life.
func (p *planner) with(id, call string, e *cache.Entry, life time.Duration) cache.UsageReport {
	return cache.UsageReport{Key: keyOf(id), Entry: e, Call: []byte("call of " + call), Until: p.clock.now.Add(life)}
}

// Of the renewal request that brokers bring, the one with the freshest tokens is kept, and
// no longer than they last.
func TestFreshestRenewalRequestIsKept(t *testing.T) {
	redis, c := redistest.Single(t), newClock()
	p := plan(t, server(redis.Addr()), newKeys(), c)
	e, err := p.entry(t.Context(), "x", c.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		call  string
		life  time.Duration
		lasts time.Duration
	}{
		{"first", 40 * time.Minute, 40 * time.Minute},
		{"older", 30 * time.Minute, 40 * time.Minute},
		{"fresher", 50 * time.Minute, 50 * time.Minute},
		{"beyond", 3 * time.Hour, time.Hour}, // the entry's end
		{"expired", -time.Minute, time.Hour},
	} {
		r := p.with("x", step.call, e, step.life)
		if got := p.told(t, r).RequestExpires.Sub(c.now); got != step.lasts {
			t.Errorf("%s: got material for %v, want %v", step.call, got, step.lasts)
		}
		if got := requests(t, redis); got != 1 {
			t.Errorf("%s: got %d renewal requests, want one", step.call, got)
		}
	}
	c.pass(36*time.Minute + time.Second)
	got := p.want(t, 10, "beyond")[0].Request
	if got.Key != keyOf("x") || got.Home != cache.IdentityScope("x") || got.Pool != pool || !got.Under(e.Stamp) {
		t.Error("got material of another entry, want that of x")
	}
}

// requests is how many renewal requests stand in Redis.
func requests(t testing.TB, redis *redistest.Server) (n int) {
	t.Helper()
	for _, key := range redis.Client().Keys(t.Context(), "b2:*}:m").Val() {
		n += int(redis.Client().HLen(t.Context(), key).Val())
	}
	return n
}

// Renewal request of passed epochs makes place for that of the present ones, whichever
// lasts longer.
func TestRenewalRequestOfAnEndedEpochIsReplaced(t *testing.T) {
	t.Parallel()
	c := newClock()
	p := plan(t, server(redistest.Single(t).Addr()), newKeys(), c)
	also := cache.IdentityScope("also")
	entry := func() *cache.Entry {
		stamp, err := p.Stamp(t.Context(), p.epochs.Read(cache.LoginScope("p", "x"), pool, also))
		if err != nil {
			t.Fatal(err)
		}
		return &cache.Entry{Issued: c.now, Stamp: stamp, Credentials: cache.Credentials{Expires: c.now.Add(time.Hour)}}
	}
	old := entry()
	p.told(t, p.with("x", "old", old, time.Hour))
	fence, err := p.epochs.Fence(t.Context(), also)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	if told := p.told(t, p.with("x", "late", old, 2*time.Hour)); !told.RequestExpires.IsZero() {
		t.Error("got material of a fenced entry kept, want none")
	}
	e := entry()
	p.told(t, p.with("x", "new", e, 40*time.Minute))
	c.pass(39 * time.Minute)
	if got := p.want(t, 10, "new"); !got[0].Request.Under(e.Stamp) || got[0].Request.Under(old.Stamp) {
		t.Error("got material of the old epochs")
	}
}

// The end of a fence deletes what its scope's entries are renewed with, unless it is
// cancelled, and nothing is kept for them while it is open.
func TestFenceDeletesRenewalRequests(t *testing.T) {
	t.Parallel()
	redis, c := redistest.Single(t), newClock()
	k := newKeys()
	p, deaf := plan(t, server(redis.Addr()), k, c), plan(t, server(redis.Addr()), k, c)
	x, err := p.entry(t.Context(), "x", c.now)
	if err != nil {
		t.Fatal(err)
	}
	stale, err := deaf.entry(t.Context(), "x", c.now)
	if err != nil {
		t.Fatal(err)
	}
	y, _ := p.entry(t.Context(), "y", c.now)
	for i := range 3 {
		r := once(fmt.Sprint("x", i), x, c.now)
		p.told(t, r)
	}
	p.told(t, once("y", y, c.now))
	fence, err := p.epochs.Fence(t.Context(), cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	fence.Cancel()
	if uses := redis.Client().Keys(t.Context(), "b2:*:u").Val(); len(uses) != 2 {
		t.Errorf("after a fence that was cancelled: got uses of %d scopes, want two", len(uses))
	}
	if got := requests(t, redis); got != 4 {
		t.Errorf("after a fence that was cancelled: got %d materials, want four", got)
	}
	if fence, err = p.epochs.Fence(t.Context(), cache.IdentityScope("x")); err != nil {
		t.Fatal(err)
	}
	if told := deaf.told(t, once("x", stale, c.now)); !told.RequestExpires.IsZero() {
		t.Error("while the fence is open: got material kept, want none")
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	if told := deaf.told(t, once("x", stale, c.now)); !told.RequestExpires.IsZero() {
		t.Error("after the fence: got material of before kept, want none")
	}
	if got := requests(t, redis); got != 1 {
		t.Errorf("got %d renewal requests, want that of y", got)
	}
	if uses := redis.Client().Keys(t.Context(), "b2:*:u").Val(); len(uses) != 1 {
		t.Errorf("got uses of %d scopes, want one", len(uses))
	}
	c.pass(37 * time.Minute)
	p.want(t, 10, "nobody", "nobody", "nobody", "y")
}

// An app that makes any number of entries gets few of them renewed, until those
// have expired.
func TestRenewalRequestsAreBounded(t *testing.T) {
	redis, c := redistest.Single(t), newClock()
	p := plan(t, server(redis.Addr()), newKeys(), c)
	report := func(n int) cache.SharedUsage {
		e, err := p.entry(t.Context(), "x", c.now)
		if err != nil {
			t.Fatal(err)
		}
		return p.told(t, once(fmt.Sprint(n), e, c.now))
	}
	kept := 0
	for n := range 40 {
		if told := report(n); !told.RequestExpires.IsZero() {
			kept++
		}
	}
	if got := requests(t, redis); kept != 16 || got != kept {
		t.Errorf("got material of %d entries, and %d kept, want 16", got, kept)
	}
	c.pass(time.Hour + time.Second)
	if told := report(50); told.RequestExpires.IsZero() {
		t.Error("after the others expired: got no material kept, want that of the new entry")
	}
	if got := requests(t, redis); got != 1 {
		t.Errorf("got %d renewal requests, want that of the new entry", got)
	}
}

// Nothing of what is renewed stands in Redis in clear, and all of it lapses.
func TestScheduleIsSilent(t *testing.T) {
	redis, c := redistest.Single(t), newClock()
	p := plan(t, server(redis.Addr()), newKeys(), c)
	e, err := p.entry(t.Context(), "identity", c.now)
	if err != nil {
		t.Fatal(err)
	}
	r := once("identity", e, c.now)
	r.Call = []byte("call with token")
	p.told(t, r)
	entries := redis.Dump()
	if len(entries) < 4 {
		t.Fatalf("got %d keys, want those of epochs, use, material and schedule", len(entries))
	}
	for _, entry := range entries {
		for _, secret := range []string{"identity", "token", "call", "pool"} {
			if strings.Contains(entry.String(), secret) {
				t.Errorf("got %q in clear in a %s", secret, entry.Type)
			}
		}
		if redis.Client().PTTL(t.Context(), entry.Key).Val() <= 0 {
			t.Errorf("got a %s that lasts for ever", entry.Type)
		}
	}
}
