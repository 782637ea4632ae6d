package flows_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

func TestFloorsAndRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		time.Sleep(8 * time.Minute) // 52 left
		r.want("key1", flows.Hit, flows.CallInfo{})
		r.want("key1", flows.Hit, flows.CallInfo{ClientFloor: 51 * time.Minute})
		r.want("key1", flows.Hit, flows.CallInfo{RequestFloor: 52 * time.Minute})
		r.want("key2", flows.Miss, flows.CallInfo{RequestFloor: 53 * time.Minute})
		r.want("key2", flows.Hit, flows.CallInfo{RequestFloor: 12 * time.Hour}) // counts nine tenths
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		time.Sleep(35 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{}) // not due before 36 minutes
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{}) // due: renewed behind the client
		synctest.Wait()
		r.want("key2", flows.Hit, flows.CallInfo{})
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges: got %d, want 2", got)
		}
	})
}

// Each of the four floors can be the largest; the default counts at most half of
// the life.
func TestWhichFloorCounts(t *testing.T) {
	const m = time.Minute
	for name, c := range map[string]struct {
		configured, pool, life time.Duration
		ask                    flows.CallInfo
		floor                  time.Duration
	}{
		"the default":               {20 * m, 0, time.Hour, flows.CallInfo{}, 20 * m},
		"the default, half of life": {20 * m, 0, 30 * m, flows.CallInfo{}, 15 * m},
		"the pool":                  {20 * m, 40 * m, time.Hour, flows.CallInfo{ClientFloor: 30 * m}, 40 * m},
		"the client":                {20 * m, 40 * m, time.Hour, flows.CallInfo{ClientFloor: 51 * m}, 51 * m},
		"the request": {
			20 * m, 40 * m, time.Hour, flows.CallInfo{ClientFloor: 30 * m, RequestFloor: 45 * m}, 45 * m,
		},
		"nine tenths of life":      {20 * m, time.Hour, time.Hour, flows.CallInfo{}, 54 * m},
		"a request below the rest": {20 * m, 0, time.Hour, flows.CallInfo{RequestFloor: m}, 20 * m},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.Floors = flows.Floors{Default: c.configured, Pools: map[string]time.Duration{pool: c.pool}}
				// Nothing is renewed ahead: only the floor sends an client on.
				r.backend.set(func(b *backend) { b.life = c.life })
				r.want("key1", flows.Miss, c.ask)
				r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.TooManyRequests("") } })
				time.Sleep(c.life - c.floor)
				r.want("key1", flows.Hit, c.ask)
				synctest.Wait()
				time.Sleep(time.Second)
				r.want("key1", flows.Stale, c.ask)
			})
		})
	}
}

func TestPassingFailureServesStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		time.Sleep(45 * time.Minute) // below the floor
		r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.TooManyRequests("Rate exceeded") } })
		r.want("key1", flows.Stale, flows.CallInfo{})
		r.want("key1", flows.Stale, flows.CallInfo{})
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges within the back-off: got %d, want 2", got)
		}
		time.Sleep(6 * time.Second)
		r.backend.set(func(b *backend) { b.fail = nil; b.life = -time.Second })
		r.want("key1", flows.Stale, flows.CallInfo{}) // expired credentials count as a passing failure
		time.Sleep(6 * time.Second)
		r.backend.set(func(b *backend) { b.life = time.Hour })
		r.want("key4", flows.Miss, flows.CallInfo{})
	})
}

func TestFailureAheadBacksOffLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return errors.New("connection reset") } })
		time.Sleep(37 * time.Minute)
		for range 5 {
			r.want("key1", flows.Hit, flows.CallInfo{})
			synctest.Wait()
		}
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges: got %d, want 2", got)
		}
		time.Sleep(2 * time.Minute) // of the 450 s; the floor is reached at 40 minutes
		r.want("key1", flows.Hit, flows.CallInfo{})
		synctest.Wait()
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges before the back-off ended: got %d, want 2", got)
		}
	})
}

func TestLastingRefusalEndsTheEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.AccessForbidden(user) } })
		time.Sleep(37 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{}) // and a renewal, which is refused
		synctest.Wait()
		if _, err := r.ask(user, "a1", &flows.CallInfo{}); cognito.Passing(err) || err == nil {
			t.Errorf("after a refused renewal: got %v, want the refusal", err)
		}
	})
}

func TestAskersShareAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = time.Second })
		for n := range 100 {
			go func() {
				if got, err := r.ask(user, fmt.Sprint("a", n), &flows.CallInfo{}); got != "key1" || err != nil {
					t.Errorf("got %s %v, want key1", got, err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if got := r.backend.exchanges.Load(); got != 1 {
			t.Errorf("exchanges for 100 clients: got %d, want 1", got)
		}
	})
}

// A refusal belongs to the token that earned it.
func TestWaitersWithAnotherTokenTryTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) {
			b.slow = time.Second
			b.fail = func(token string) error {
				if token == "a-revoked" {
					return cognito.NotAuthorized("revoked")
				}
				return nil
			}
		})
		go func() {
			if _, err := r.ask(user, "a-revoked", &flows.CallInfo{}); err == nil {
				t.Error("the revoked token: got credentials, want its refusal")
			}
		}()
		synctest.Wait()
		go func() {
			if _, err := r.ask(user, "a-good", &flows.CallInfo{}); err != nil {
				t.Errorf("another token that joined: got %v, want credentials", err)
			}
		}()
		synctest.Wait()
		time.Sleep(5 * time.Second)
	})
}

// What was obtained before a fence is not served after it, though its exchange
// was under way.
func TestFenceDuringAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 2 * time.Second })
		go r.ask(user, "a1", &flows.CallInfo{})
		synctest.Wait()
		time.Sleep(time.Second)
		r.fence(cache.IdentityScope(user))
		go func() {
			if got, err := r.ask(user, "a1", &flows.CallInfo{}); got != "key2" || err != nil {
				t.Errorf("a client after the fence: got %s %v, want key2 of an exchange of his own", got, err)
			}
		}()
		synctest.Wait()
		time.Sleep(5 * time.Second)
		r.want("key2", flows.Hit, flows.CallInfo{})
		r.fence(cache.PoolScopes(pool)...)
		r.want("key3", flows.Miss, flows.CallInfo{})
	})
}

// A guest who signs in: his guest credentials end, those of the sign-in are kept.
func TestUpgradeFencesTheGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.guests.Store(user, true)
		if got, _ := r.ask(user, "", &flows.CallInfo{}); got != "key1" {
			t.Fatalf("guest: got %s, want key1", got)
		}
		if got, _ := r.ask(user, "", &flows.CallInfo{}); got != "key1" {
			t.Errorf("guest again: got %s, want the cached key1", got)
		}
		r.want("key2", flows.Miss, flows.CallInfo{})
		r.directory.guests.Delete(user)
		r.want("key2", flows.Hit, flows.CallInfo{})
		if got, _ := r.ask(user, "", &flows.CallInfo{}); got == "key1" {
			t.Error("the guest after the sign-in: got what was cached before it")
		}
	})
}

func TestAnswerForAnotherIdentityIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.answered = "us-east-1:22222222-2222-4222-8222-222222222222" })
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.want("key2", flows.Miss, flows.CallInfo{})
	})
}

func TestKeysKeepUsersApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := "us-east-1:22222222-2222-4222-8222-222222222222"
		seen := map[string]string{}
		for _, c := range [][2]string{
			{user, "a1"}, {user, "a1@another-app"}, {user, "b1"}, {user, ""}, {other, "a1"}, {other, ""},
		} {
			got, err := r.ask(c[0], c[1], &flows.CallInfo{})
			if err != nil || seen[got] != "" {
				t.Errorf("%v: got %s %v, which %s has", c, got, err, seen[got])
			}
			seen[got] = fmt.Sprint(c)
		}
		if got, _ := r.ask(user, "a2", &flows.CallInfo{}); got != "key1" {
			t.Errorf("a fresh token of the same user: got %s, want key1", got)
		}
	})
}

func TestUnprovenLoginIsNeverServedFromTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.NotAuthorized("bad") } })
		info := &flows.CallInfo{}
		if _, err := r.ask(user, "bad", info); err == nil || info.Condition != nil || info.Outcome != "" {
			t.Errorf("got %v %q, want the backend's refusal", err, info.Outcome)
		}
		r.want("key1", flows.Hit, flows.CallInfo{}) // and it ended nothing
	})
}

func TestGuestsAreNeverShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var seen sync.Map
		for range 20 {
			go func() {
				g, err := r.Grant(t.Context(), flows.GrantRequest{Pool: pool})
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := seen.LoadOrStore(g.IdentityID, true); twice {
					t.Errorf("two guests share %s", g.IdentityID)
				}
			}()
		}
		synctest.Wait()
	})
}

func TestFullHouseIsTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		r.occupy(8)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.GetId(ctx, &ci.GetIdInput{IdentityPoolId: aws.String(pool)})
		if _, ok := errors.AsType[*types.TooManyRequestsException](err); !ok {
			t.Errorf("got %v, want TooManyRequestsException", err)
		}
		time.Sleep(20 * time.Second)
	})
}
