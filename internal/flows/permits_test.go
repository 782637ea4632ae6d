package flows_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// fewPermits gives each a few permits, and no more.
type fewPermits struct {
	mu    sync.Mutex
	each  int
	taken map[string]int
}

func newFew(each int) *fewPermits { return &fewPermits{each: each, taken: map[string]int{}} }

func (f *fewPermits) Take(_ context.Context, names ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.Join(names, " ")
	if f.taken[name] == f.each {
		return cache.ErrLimited
	}
	f.taken[name]++
	return nil
}

// all is how many permits were taken.
func (f *fewPermits) all() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, taken := range f.taken {
		n += taken
	}
	return n
}

// A way to cost the backend a call: the n-th that one client makes is none that was
// answered before.
var costly = map[string]func(r *rig, n int) error{
	"sessions of a user": func(r *rig, n int) error {
		return r.session(user, n, map[string]string{idp: "a1"})
	},
	"sessions of a user, with fresh tokens": func(r *rig, n int) error {
		return r.session(user, n, map[string]string{idp: fmt.Sprint("a", n)})
	},
	"identities in made-up pools": func(r *rig, n int) error {
		made := fmt.Sprintf("us-east-1:%08x-4444-4444-8444-444444444444", n)
		_, err := r.GetId(r.t.Context(), &ci.GetIdInput{IdentityPoolId: &made, Logins: map[string]string{idp: "a1"}})
		return err
	},
	"sessions of a user with two logins": func(r *rig, n int) error {
		return r.session(user, n, map[string]string{idp: "a1", idp2: "b1"})
	},
	"sessions of a user, one of whose tokens is junk": func(r *rig, n int) error {
		return r.session(user, n, map[string]string{idp: "a1", idp2: "bad"})
	},
	"sessions of a user of a token that only the backend can judge": func(r *rig, n int) error {
		return r.session(user, n, map[string]string{"unknown.example": "token"})
	},
	"sessions of a token of the backend's own": func(r *rig, n int) error {
		return r.session(
			user, n, map[string]string{"cognito-identity.amazonaws.com": tokenOf(pool, user, fmt.Sprint("amr", n))},
		)
	},
	"sessions of a guest": func(r *rig, n int) error { return r.session(guest, n, nil) },
	"roles":               func(r *rig, n int) error { return r.role(n) },
	"OpenID tokens of a user": func(r *rig, n int) error {
		return r.token(user, map[string]string{idp: fmt.Sprint("a", n)})
	},
	"OpenID tokens of a guest": func(r *rig, _ int) error { return r.token(guest, nil) },
	"identities of two logins": func(r *rig, _ int) error {
		_, err := r.GetId(
			r.t.Context(), &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: map[string]string{idp: "a1", idp2: "b1"}},
		)
		return err
	},
	"principal tags": func(r *rig, n int) error {
		return r.onBehalf(flows.DeveloperRequest{Pool: pool, User: "u", Tags: map[string]string{"n": fmt.Sprint(n)}})
	},
	"a developer's links": func(r *rig, n int) error {
		return r.onBehalf(flows.DeveloperRequest{Pool: pool, User: "u", Logins: map[string]string{idp: "bad"}})
	},
}

const guest = "us-east-1:33333333-3333-4333-8333-333333333333"

func (r *rig) session(id string, n int, tokens map[string]string) error {
	_, err := r.Grant(r.t.Context(), flows.GrantRequest{
		Pool: pool, IdentityID: id, Logins: tokens, Classic: &flows.Classic{RoleARN: role, SessionName: fmt.Sprint("s", n)},
	})
	return err
}

func (r *rig) role(n int) error {
	_, err := r.Grant(
		r.t.Context(),
		flows.GrantRequest{Pool: pool, IdentityID: user, Logins: map[string]string{idp: "a1"}, RoleARN: fmt.Sprint(role, n)},
	)
	return err
}

func (r *rig) token(id string, tokens map[string]string) error {
	_, err := r.GetOpenIdToken(r.t.Context(), &ci.GetOpenIdTokenInput{IdentityId: ptr(id), Logins: tokens})
	return err
}

func (r *rig) onBehalf(request flows.DeveloperRequest) error {
	_, err := r.DeveloperGrant(r.t.Context(), request)
	return err
}

// Whatever an client does to cost the backend calls, he has a few permits, and is told to
// come later then; what is cached is answered all the same, and costs no permit.
func TestExchangesAreLimited(t *testing.T) {
	const turns = 3
	for name, call := range costly {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.directory.guests.Store(guest, true)
				r.Exchanges = newFew(turns)
				for n := range turns {
					if err := call(r, n); err != nil {
						t.Fatalf("call %d: got %v, want an answer", n, err)
					}
				}
				before, ids := r.backend.exchanges.Load(), r.backend.ids.Load()
				for n := range 5 {
					if err := call(r, turns+n); code(err) != "TooManyRequestsException" || !errors.Is(err, cache.ErrLimited) {
						t.Errorf("call %d: got %v, want TooManyRequestsException", turns+n, err)
					}
				}
				if r.backend.exchanges.Load() != before || r.backend.ids.Load() != ids {
					t.Error("the backend was asked without a turn")
				}
			})
		})
	}
}

func TestHitsCostNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		limit := newFew(1)
		r.Exchanges = limit
		r.want("key1", flows.Miss, flows.CallInfo{})
		for range 10 {
			r.want("key1", flows.Hit, flows.CallInfo{})
		}
		if err := r.role(1); code(err) != "TooManyRequestsException" {
			t.Errorf("another exchange: got %v, want TooManyRequestsException", err)
		}
		r.want("key1", flows.Hit, flows.CallInfo{})
		time.Sleep(10 * time.Minute) // below the client's floor the cached is what there is
		r.want("key1", flows.Stale, flows.CallInfo{RequestFloor: 53 * time.Minute})
	})
}

// Whoever knows somebody's identity id, and does not prove that it is his, uses up
// nothing of what its owner has.
func TestStrangersUseUpNoPermits(t *testing.T) {
	const own = "cognito-identity.amazonaws.com"
	strangers := map[string]map[string]string{
		"no login":                   nil,
		"his own login":              {idp: "m1"},
		"his own logins":             {idp: "m1", idp2: "m1"},
		"a login that is no proof":   {idp: "bad"},
		"a token of any provider":    {"unknown.example": "junk"},
		"a token that looks like it": {own: "junk"},
		"another identity's token":   {own: tokenOf(pool, guest)},
	}
	owners := map[string]map[string]string{"his login": {idp: "a1"}, "his token": {own: tokenOf(pool, user)}}
	for name, tokens := range strangers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.Exchanges = newFew(2)
				for n := range 6 {
					_ = r.session(user, n, tokens)
					_ = r.token(user, tokens)
					_, _ = r.askAll(user, tokens)
				}
				for proof, tokens := range owners {
					if err := r.session(user, 0, tokens); err != nil {
						t.Errorf("the owner, by %s: got %v, want an answer", proof, err)
					}
				}
			})
		})
	}
}

// An identity that nobody has met, named without any proof, is counted against nobody:
// a stranger may name any number of them, and leaves nothing behind.
func TestUnknownIdentitiesTakeNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		limit := newFew(100)
		r.Exchanges = limit
		for n := range 5 {
			id := fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", n)
			r.directory.places.Store(id, "")
			_, _ = r.askAll(id, nil)
			_, _ = r.askAll(id, map[string]string{idp: "bad"})
			_ = r.token(id, nil)
		}
		if got := limit.all(); got != 0 {
			t.Errorf("got %d turns taken, want none", got)
		}
	})
}

// Many who ask for the same at once share an exchange, and its permit.
func TestSharedExchangeTakesOnePermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		limit := newFew(1)
		r.Exchanges = limit
		r.backend.set(func(b *backend) { b.slow = time.Second })
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if key, err := r.ask(user, "a1", &flows.CallInfo{}); err != nil || key != "key1" {
					t.Errorf("got %s %v, want key1", key, err)
				}
			})
		}
		all.Wait()
		if got := limit.all(); got != 1 {
			t.Errorf("got %d turns taken, want one", got)
		}
	})
}

// Over a fleet too, who waits for another broker's exchange takes no permit.
func TestSharedExchangeTakesOnePermitOfTheFleet(t *testing.T) {
	c := newTestFleet(t)
	limit := newFew(1)
	limited := func(f *flows.Config) { f.Exchanges = limit }
	first, second := c.join(limited), c.join(limited)
	release := c.hold("", nil)
	one := first.asks("a1")
	c.exchanging(1)
	two := second.waits("a1")
	release()
	c.gets("the first", one, "key1")
	c.gets("the second", two, "key1")
	if got := limit.all(); got != 1 {
		t.Errorf("got %d turns taken, want one", got)
	}
}

// A renewal ahead takes no permit: nobody asked for it.
func TestRenewalsTakeNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		limit := newFew(1)
		r.Exchanges = limit
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = r.Run(ctx) }()
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.want("key1", flows.Hit, flows.CallInfo{})
		time.Sleep(38 * time.Minute)
		r.want("key2", flows.Hit, flows.CallInfo{})
		cancel()
		<-ended
		if got := limit.all(); got != 1 {
			t.Errorf("got %d turns taken, want one", got)
		}
	})
}

// A call that would link, and has no permit, ends nothing.
func TestCallsWithoutPermitEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.guests.Store(user, true)
		r.Exchanges = newFew(1)
		r.guest("key1")
		link := map[string]string{idp: "m1", idp2: "n1"}
		_, _ = r.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: link}) // his only permit
		for name, call := range map[string]func() error{
			"credentials": func() error { _, err := r.askAll(user, link); return err },
			"session":     func() error { return r.session(user, 1, link) },
			"token":       func() error { return r.token(user, link) },
		} {
			if err := call(); code(err) != "TooManyRequestsException" {
				t.Errorf("%s: got %v, want TooManyRequestsException", name, err)
			}
			r.guest("key1")
		}
	})
}
