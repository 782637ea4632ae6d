package flows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// still makes the jitter of a fleet 0.5: a renewal is due at 60 % of the life.
func still(c *flows.Config) { c.Random = func() float64 { return 0.5 } }

// What one broker served another renews, and all find it.
func TestFleetRenews(t *testing.T) {
	c := newRenewalFleet(t, 3, still)
	token := c.token("a", 50*time.Minute)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[1], token, "key1", flows.Hit)
	c.reportUses()
	c.pass(36*time.Minute - time.Second)
	c.renew()
	if got := c.granter.exchanges.Load(); got != 1 {
		t.Fatalf("before it is due: got %d exchanges, want 1", got)
	}
	c.pass(2 * time.Second)
	if got := c.brokers[2].RenewClaims(t.Context(), 16); got != 1 {
		t.Fatalf("got %d claims, want 1", got)
	}
	c.want(c.brokers[2], token, "key2", flows.Hit)
	c.want(c.brokers[0], token, "key1", flows.Hit) // and looks behind
	c.want(c.brokers[0], token, "key2", flows.Hit)
	c.pass(5 * time.Minute)
	c.want(c.brokers[1], token, "key2", flows.Hit) // below the floor in its memory
	c.reportUses()
	c.pass(40 * time.Minute)
	c.renew()
	if got, gone := c.granter.exchanges.Load(), c.counts.of("gone"); got != 2 || gone != 1 {
		t.Errorf("after the token expired: got %d exchanges, and %d renewals gone, want 2 and 1", got, gone)
	}
}

func TestFleetRenewsWhatIsWanted(t *testing.T) {
	const m = time.Minute
	type asks = func(c *renewalFleet, token string)
	twice := func(c *renewalFleet, token string) {
		c.want(c.brokers[0], token, "key1", flows.Miss)
		c.want(c.brokers[1], token, "key1", flows.Hit)
	}
	for name, test := range map[string]struct {
		asks asks
		at   time.Duration // when the renewal is made, counted from the first ask; 0: none is
	}{
		"asked for twice": {twice, 36 * m},
		"idle":            {func(c *renewalFleet, token string) { c.want(c.brokers[0], token, "key1", flows.Miss) }, 0},
		"asked for lately": {func(c *renewalFleet, token string) {
			c.want(c.brokers[0], token, "key1", flows.Miss)
			c.reportUses()
			c.pass(20 * m)
			c.want(c.brokers[0], token, "key1", flows.Hit)
		}, 36 * m},
		"expected back before a large floor": {func(c *renewalFleet, token string) {
			c.ask(c.brokers[0], user, map[string]string{idp: token}, flows.CallInfo{ClientFloor: 51 * m})
		}, 48*m + 30*time.Second},
		"expected back later": { // the last serve counts
			func(c *renewalFleet, token string) {
				for range 2 {
					c.ask(c.brokers[0], user, map[string]string{idp: token}, flows.CallInfo{ClientFloor: 51 * m})
					c.reportUses()
					c.pass(5 * m)
				}
			}, 53*m + 30*time.Second},
		"a guest": {func(c *renewalFleet, _ string) {
			c.ask(c.brokers[0], user, nil, flows.CallInfo{})
			c.ask(c.brokers[0], user, nil, flows.CallInfo{})
		}, 36 * m},
		"a backend's user": {func(c *renewalFleet, _ string) {
			for range 2 {
				if _, err := c.brokers[0].DeveloperGrant(c.t.Context(), flows.DeveloperRequest{Pool: pool, User: "u"}); err != nil {
					c.t.Error(err)
				}
			}
		}, 36 * m},
		"a backend's user with a public login": {func(c *renewalFleet, token string) {
			for range 2 {
				if _, err := c.brokers[0].DeveloperGrant(
					c.t.Context(), flows.DeveloperRequest{Pool: pool, User: "u", Logins: map[string]string{idp: token}},
				); err != nil {
					c.t.Error(err)
				}
			}
		}, 0},
		"several logins": {func(c *renewalFleet, token string) {
			for range 2 {
				c.ask(c.brokers[0], user, map[string]string{idp: token, idp2: token}, flows.CallInfo{})
			}
		}, 0},
		"a token that ends within the window": {func(c *renewalFleet, _ string) { twice(c, c.token("a", 36*m)) }, 35 * m},
		"a token that ends before it":         {func(c *renewalFleet, _ string) { twice(c, c.token("a", 30*m)) }, 0},
		"a fresher token": {func(c *renewalFleet, _ string) {
			twice(c, c.token("a", 30*m))
			c.reportUses()
			c.want(c.brokers[2], c.token("a", 40*m), "key1", flows.Hit)
		}, 36 * m},
		"one that comes when it was due": {func(c *renewalFleet, _ string) {
			twice(c, c.token("a", 30*m))
			c.reportUses()
			c.pass(38 * m)
			c.renew()
			c.want(c.brokers[1], c.token("a", 40*m), "key1", flows.Hit)
		}, 38 * m},
		"an identity that was fenced": {func(c *renewalFleet, token string) {
			twice(c, token)
			c.reportUses()
			if err := c.brokers[2].Fence(c.t.Context(), cache.IdentityScope(user)); err != nil {
				c.t.Error(err)
			}
		}, 0},
		"a pool that was": {func(c *renewalFleet, token string) {
			twice(c, token)
			c.reportUses()
			if err := c.brokers[2].Fence(c.t.Context(), cache.PoolScopes(pool)...); err != nil {
				c.t.Error(err)
			}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newRenewalFleet(t, 3, still)
			start := c.now()
			test.asks(c, c.token("a", 2*time.Hour))
			c.reportUses()
			step := func(to time.Duration, want int64) {
				t.Helper()
				if at := start.Add(to); at.After(c.now()) {
					c.pass(at.Sub(c.now()))
				}
				c.renew()
				if got := c.granter.exchanges.Load(); got != want {
					t.Errorf("exchanges after %v: got %d, want %d", to, got, want)
				}
			}
			if test.at != 0 {
				if start.Add(test.at).After(c.now()) {
					step(test.at-6*time.Second, 1)
				}
				step(test.at+time.Second, 2)
				test.at = 1
			}
			for at := 50 * m; at < 4*time.Hour; at += 30 * m { // nobody asks for the new one
				step(at, 1+int64(test.at))
			}
		})
	}
}

// That an entry is asked for shortly before it is renewed counts for the one that
// renews it, whichever broker renews it.
func TestFleetRenewsAgain(t *testing.T) {
	t.Parallel()
	c := newRenewalFleet(t, 2, func(c *flows.Config) { still(c); c.Floors.Default = 10 * time.Minute })
	c.granter.life = 30 * time.Minute
	token := c.token("a", 5*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.pass(17 * time.Minute)
	c.want(c.brokers[1], token, "key1", flows.Hit)
	c.reportUses()
	for minute := 18; minute < 120; minute++ {
		c.pass(time.Minute)
		if c.renew(); minute == 18 || minute == 36 {
			c.pass(time.Second)
			c.renew()
		}
		want := int64(2)
		if minute >= 36 { // the second is due, and was asked for 19 minutes ago
			want = 3
		}
		if got := c.granter.exchanges.Load(); got != want {
			t.Fatalf("after %d minutes: got %d exchanges, want %d", minute, got, want)
		}
	}
}

// What a fence left behind renews nothing, though the entry was brought anew.
func TestFleetRenewsNothingByAnOldRequest(t *testing.T) {
	t.Parallel()
	c := newRenewalFleet(t, 2, func(c *flows.Config) { still(c); c.RenewIdle = 2 * time.Hour })
	token := c.token("a", 5*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[0], token, "key1", flows.Hit)
	c.reportUses()
	if err := c.brokers[1].Fence(t.Context(), cache.PoolScopes(pool)...); err != nil {
		t.Fatal(err)
	}
	c.want(c.brokers[0], token, "key2", flows.Miss)
	c.pass(37 * time.Minute)
	got := c.brokers[1].RenewClaims(t.Context(), 16)
	if got != 1 || c.granter.exchanges.Load() != 2 || c.counts.of("gone") != 1 {
		t.Errorf("got %d claims and %d exchanges, want 1 and 2", got, c.granter.exchanges.Load())
	}
}

// A renewal that fails is made again after 300 to 600 seconds, whatever is reported
// meanwhile.
func TestFleetBacksOff(t *testing.T) {
	c := newRenewalFleet(t, 2, still)
	token := c.token("a", 2*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[0], token, "key1", flows.Hit)
	c.reportUses()
	c.granter.set(func(g *grantingBackend) { g.fail = errors.New("connection reset") })
	c.pass(37 * time.Minute)
	c.renew()
	c.want(c.brokers[1], token, "key1", flows.Hit)
	c.reportUses()
	c.pass(449 * time.Second)
	c.renew()
	if got := c.granter.exchanges.Load(); got != 2 {
		t.Errorf("within the pause: got %d exchanges, want 2", got)
	}
	c.granter.set(func(g *grantingBackend) { g.fail = nil })
	c.pass(2 * time.Second)
	c.renew()
	c.want(c.brokers[1], token, "key3", flows.Hit)
}

// The pause is uniform from 300 to 600 seconds.
func TestFleetBacksOffAtRandom(t *testing.T) {
	for random, pause := range map[float64]time.Duration{0: 300 * time.Second, 0.999999: 600 * time.Second} {
		c := newRenewalFleet(t, 1, func(c *flows.Config) { c.Random = func() float64 { return random } })
		token := c.token("a", 2*time.Hour)
		c.want(c.brokers[0], token, "key1", flows.Miss)
		c.want(c.brokers[0], token, "key1", flows.Hit)
		c.reportUses()
		c.granter.set(func(g *grantingBackend) { g.fail = errors.New("connection reset") })
		c.pass(40 * time.Minute)
		c.renew()
		for n, wait := range []time.Duration{pause - time.Second, 2 * time.Second} {
			c.reportUses()
			c.pass(wait)
			c.renew()
			if got := c.granter.exchanges.Load(); got != int64(2+n) {
				t.Errorf("random %v, after %v: got %d exchanges, want %d", random, wait, got, 2+n)
			}
		}
	}
}

// A lasting refusal ends the entry, in all brokers.
func TestFleetEndsWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{
		"not authorised": cognito.NotAuthorized("no"),
		"no role":        cognito.InvalidPoolConfiguration("no"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newRenewalFleet(t, 2, still)
			token := c.token("a", 2*time.Hour)
			c.want(c.brokers[0], token, "key1", flows.Miss)
			c.want(c.brokers[0], token, "key1", flows.Hit)
			c.reportUses()
			c.granter.set(func(g *grantingBackend) { g.fail = refusal })
			c.pass(37 * time.Minute)
			c.renew()
			c.granter.set(func(g *grantingBackend) { g.fail = nil })
			c.want(c.brokers[1], token, "key3", flows.Miss)
		})
	}
}

// A renewal of a backend's user names the identity that was found, and no other
// broker needs more than what stands in Redis.
func TestFleetRenewalNamesTheIdentity(t *testing.T) {
	c := newRenewalFleet(t, 2, still)
	r := flows.DeveloperRequest{Pool: pool, User: "u", Tags: map[string]string{"t": "v"}}
	for range 2 {
		if _, err := c.brokers[0].DeveloperGrant(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	c.reportUses()
	c.pass(37 * time.Minute)
	if got := c.brokers[1].RenewClaims(t.Context(), 16); got != 1 || len(c.granter.developers) != 2 {
		t.Fatalf("got %d claims and %d calls, want 1 and 2", got, len(c.granter.developers))
	}
	if first := c.granter.developers[0]; first.IdentityId != nil {
		t.Error("the first call names an identity, want none")
	}
	second := c.granter.developers[1]
	if second.IdentityId == nil || *second.IdentityId != user || second.Logins["login.example"] != "u" ||
		second.PrincipalTags["t"] != "v" {
		t.Error("the renewal is another call, want the first, naming the identity")
	}
}

// A renewal tells whose the call's logins are, as any exchange does: a change that
// comes with one of them ends what it brought.
func TestFleetRenewalTellsTheOwner(t *testing.T) {
	c := newRenewalFleet(t, 2, still)
	token := c.token("a", 2*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[0], token, "key1", flows.Hit)
	c.reportUses()
	owners := func() []string { return c.redis.Client().Keys(t.Context(), "b2:*:o").Val() }
	told := owners()
	if len(told) != 1 {
		t.Fatalf("got owners of %d logins, want one", len(told))
	}
	c.redis.Client().Del(t.Context(), told...)
	c.pass(37 * time.Minute)
	c.brokers[1].RenewClaims(t.Context(), 16)
	if got := owners(); !slices.Equal(got, told) {
		t.Errorf("after the renewal: got owners of %d logins, want those of before", len(got))
	}
	c.want(c.brokers[1], token, "key2", flows.Hit)
}

// Brokers that run tell and renew by themselves, and leave nothing behind.
func TestFleetRuns(t *testing.T) {
	t.Parallel()
	c := newRenewalFleet(t, 2, still)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, b := range c.brokers {
		running.Go(func() { b.Run(ctx) })
	}
	token := c.token("a", 2*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[0], token, "key1", flows.Hit)
	waitUntil(t, "the entry is scheduled", func() bool { return c.counts.scheduled.Load() == 1 })
	c.pass(37 * time.Minute)
	waitUntil(t, "it is renewed", func() bool { return c.counts.of("ok") == 1 })
	if err := c.brokers[0].Close(t.Context()); err != nil { // ends its Run
		t.Error(err)
	}
	cancel()
	running.Wait()
	c.want(c.brokers[1], token, "key2", flows.Hit)
}

// A broker that dies with a claim loses nothing: another makes the renewal when the
// claim has lapsed.
func TestFleetTakesOverAClaim(t *testing.T) {
	c := newRenewalFleet(t, 2, still)
	token := c.token("a", 2*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[0], token, "key1", flows.Hit)
	c.reportUses()
	c.pass(37 * time.Minute)
	if got := c.brokers[0].AbandonClaims(t.Context(), 16); got != 1 {
		t.Fatalf("got %d claims, want 1", got)
	}
	c.pass(24 * time.Second)
	c.renew()
	if got := c.granter.exchanges.Load(); got != 1 {
		t.Errorf("while the claim stands: got %d exchanges, want 1", got)
	}
	c.pass(2 * time.Second)
	c.renew()
	c.want(c.brokers[1], token, "key2", flows.Hit)
}

// What came up while Redis could not be reached is renewed one after the other, not
// all at once.
func TestFleetRenewsCalmlyAfterAnOutage(t *testing.T) {
	t.Parallel()
	const people = 60
	c := newRenewalFleet(t, 1, nil)
	b := c.brokers[0]
	for n := range people {
		id := fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", n)
		for range 2 {
			if _, _, err := c.ask(b, id, nil, flows.CallInfo{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.reportUses()
	c.pass(30 * time.Minute)
	c.redis.Pause()
	b.RenewClaims(t.Context(), 16)
	c.redis.Resume()
	c.pass(11 * time.Minute)
	before := int64(people)
	for step := range 8 {
		c.renew()
		got := c.granter.exchanges.Load() - before
		if before += got; got > people/2 {
			t.Errorf("step %d: got %d renewals at once, want them spread", step, got)
		}
		c.pass(20 * time.Second)
	}
	if before != 2*people {
		t.Errorf("got %d exchanges in the end, want %d", before, 2*people)
	}
}

// An emptied Redis has nothing renewed, and what is asked for again is.
func TestFleetForgetsWithRedis(t *testing.T) {
	c := newRenewalFleet(t, 2, still)
	token := c.token("a", 5*time.Hour)
	c.want(c.brokers[0], token, "key1", flows.Miss)
	c.want(c.brokers[0], token, "key1", flows.Hit)
	c.reportUses()
	c.redis.FlushAll()
	c.pass(37 * time.Minute)
	c.renew()
	if got := c.granter.exchanges.Load(); got != 1 {
		t.Errorf("after Redis was emptied: got %d exchanges, want 1", got)
	}
	c.pass(4 * time.Minute)
	c.want(c.brokers[1], token, "key2", flows.Miss)
	c.want(c.brokers[0], token, "key2", flows.Hit)
	c.reportUses()
	c.pass(37 * time.Minute)
	c.renew()
	c.want(c.brokers[1], token, "key2", flows.Hit) // and looks behind
	c.want(c.brokers[1], token, "key3", flows.Hit)
}
