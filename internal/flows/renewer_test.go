package flows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// run renews ahead until the test ends. Within a bubble.
func (r *rig) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
}

// exchanged waits until the clock has moved by d and compares the exchanges made.
func (r *rig) exchanged(after time.Duration, want int32) {
	r.t.Helper()
	time.Sleep(after)
	synctest.Wait()
	if got := r.backend.exchanges.Load(); got != want {
		r.t.Errorf("exchanges after %v: got %d, want %d", after, got, want)
	}
}

// The jitter of the tests puts a renewal at 60 % of the life: 36 minutes.
func TestRunRenewsAhead(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	for name, c := range map[string]struct {
		asks func(r *rig)
		at   time.Duration // when the first renewal is made, counted from asks; 0: none is
	}{
		"asked for lately": {func(r *rig) {
			r.want("key1", flows.Miss, flows.CallInfo{})
			time.Sleep(20 * m)
			r.want("key1", flows.Hit, flows.CallInfo{})
		}, 16 * m},
		"asked for twice at once": {func(r *rig) {
			r.want("key1", flows.Miss, flows.CallInfo{})
			r.want("key1", flows.Hit, flows.CallInfo{})
		}, 36 * m},
		"idle": {func(r *rig) { r.want("key1", flows.Miss, flows.CallInfo{}) }, 0},
		"expected back before a large floor": { // 51 minutes, less 2.5
			func(r *rig) { r.want("key1", flows.Miss, flows.CallInfo{ClientFloor: 51 * m}) }, 48*m + 30*time.Second},
		"a guest": {func(r *rig) { r.guest("key1"); r.guest("key1") }, 36 * m},
		"several logins": {func(r *rig) {
			for range 2 {
				if _, err := r.askAll(user, map[string]string{idp: "a1", idp2: "a1"}); err != nil {
					r.t.Error(err)
				}
			}
		}, 0},
		"a login that may link": {func(r *rig) {
			r.directory.guests.Store(user, true)
			r.want("key1", flows.Miss, flows.CallInfo{})
			r.want("key1", flows.Hit, flows.CallInfo{})
		}, 0},
		"a SAML assertion": {func(r *rig) {
			for range 2 {
				if _, err := r.askAll(user, map[string]string{office: "a1"}); err != nil {
					r.t.Error(err)
				}
			}
		}, 0},
		"a SAML assertion that the backend judges": {func(r *rig) {
			for range 2 {
				if _, err := r.askAll(user, map[string]string{office + "2": "a1"}); err != nil {
					r.t.Error(err)
				}
			}
		}, 0},
		"an expired token": {func(r *rig) { // of a provider that is not proved here
			for range 2 {
				if _, err := r.askAll(user, map[string]string{"other.example": stating(35 * m)}); err != nil {
					r.t.Error(err)
				}
			}
		}, 0},
		"a token that lives": {func(r *rig) {
			token := stating(37 * m)
			for range 2 {
				if _, err := r.askAll(user, map[string]string{"other.example": token}); err != nil {
					r.t.Error(err)
				}
			}
		}, 36 * m},
		"a refused one": {func(r *rig) {
			r.want("key1", flows.Miss, flows.CallInfo{})
			r.want("key1", flows.Hit, flows.CallInfo{})
			r.fence(cache.IdentityScope(user))
		}, 0},
		"a pool that changed": {func(r *rig) {
			r.want("key1", flows.Miss, flows.CallInfo{})
			r.want("key1", flows.Hit, flows.CallInfo{})
			r.fence(cache.PoolScopes(pool)...)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.run(t)
				c.asks(r)
				if c.at == 0 {
					r.exchanged(3*time.Hour, 1)
					return
				}
				r.exchanged(c.at-time.Second, 1)
				r.exchanged(2*time.Second, 2)
				r.exchanged(3*time.Hour, 2) // nobody asked for the new one
			})
		})
	}
}

// A renewed entry is served as any, and renewed again while it is asked for.
func TestRunRenewsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		for range 30 {
			time.Sleep(15 * time.Minute)
			info := flows.CallInfo{}
			if _, err := r.ask(user, "a1", &info); err != nil || info.Outcome != flows.Hit {
				t.Errorf("got %s %v, want a hit", info.Outcome, err)
			}
		}
		if got := r.backend.exchanges.Load(); got < 11 || got > 14 {
			t.Errorf("exchanges in 450 minutes: got %d, want one in 36 minutes", got)
		}
	})
}

// A failed renewal is made again after 300 to 600 seconds, by itself.
func TestFailedRenewalIsTriedAgain(t *testing.T) {
	for name, asked := range map[string]bool{"asked for meanwhile": true, "by itself": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.run(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.want("key1", flows.Hit, flows.CallInfo{})
				r.backend.set(func(b *backend) { b.fail = func(string) error { return errors.New("connection reset") } })
				r.exchanged(36*time.Minute+time.Second, 2)
				if asked {
					r.want("key1", flows.Hit, flows.CallInfo{})
				}
				r.exchanged(450*time.Second-2*time.Second, 2)
				r.backend.set(func(b *backend) { b.fail = nil })
				r.exchanged(3*time.Second, 3)
				r.want("key3", flows.Hit, flows.CallInfo{})
			})
		})
	}
}

// A failure ahead keeps nobody from asking who needs more life than is left.
func TestBelowTheFloorAskersTryDespiteAFailureAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		large := flows.CallInfo{RequestFloor: 40 * time.Minute}
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return errors.New("connection reset") } })
		time.Sleep(37 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{}) // and a renewal that fails
		synctest.Wait()
		r.want("key1", flows.Stale, large) // at once after a failure: spared
		r.exchanged(0, 2)
		time.Sleep(5 * time.Second)
		r.want("key1", flows.Stale, large)
		r.exchanged(0, 3)
		r.backend.set(func(b *backend) { b.fail = nil })
		time.Sleep(5 * time.Second)
		r.want("key4", flows.Miss, large)
	})
	synctest.Test(t, func(t *testing.T) { // a renewal under way: they wait for it
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.slow = time.Second })
		time.Sleep(37 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{})
		synctest.Wait()
		r.want("key2", flows.Miss, flows.CallInfo{RequestFloor: 40 * time.Minute})
		r.exchanged(0, 2)
	})
}

// A fence while a renewal is under way: what it brings is not served.
func TestFenceDuringARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.want("key1", flows.Hit, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		r.exchanged(36*time.Minute+time.Second, 2)
		r.fence(cache.IdentityScope(user))
		time.Sleep(time.Minute)
		r.want("key3", flows.Miss, flows.CallInfo{})
	})
}

// A lasting refusal ends the entry, whatever it is of.
func TestRefusedRenewal(t *testing.T) {
	for name, refusal := range map[string]error{
		"not authorised":   cognito.NotAuthorized("no"),
		"identity is gone": cognito.IdentityNotFound(user),
		"of another":       cognito.ResourceConflict("taken"),
		"another's user":   cognito.DeveloperUserAlreadyRegistered("taken"),
		"no role":          cognito.InvalidPoolConfiguration("no"),
		"no trust":         &smithy.GenericAPIError{Code: "AccessDenied", Message: "no", Fault: smithy.FaultClient},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.run(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.want("key1", flows.Hit, flows.CallInfo{})
				r.backend.set(func(b *backend) { b.fail = func(string) error { return refusal } })
				r.exchanged(37*time.Minute, 2)
				r.backend.set(func(b *backend) { b.fail = nil })
				r.want("key3", flows.Miss, flows.CallInfo{})
			})
		})
	}
}

// A refusal after the first of a call's tokens expired says nothing of the identity: what is
// cached for it stays, whichever token that was.
func TestRefusedAfterATokenExpired(t *testing.T) {
	const one, two = "one.example", "two.example"
	for _, lives := range []map[string]time.Duration{
		{one: 41*time.Minute + 5*time.Second, two: 2 * time.Hour},
		{one: 2 * time.Hour, two: 41*time.Minute + 5*time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			tokens := map[string]string{one: stating(lives[one]), two: stating(lives[two])}
			if got, err := r.askAll(user, tokens); got != "key1" || err != nil {
				t.Fatalf("got %s %v, want key1", got, err)
			}
			time.Sleep(41 * time.Minute) // less than the floor is left
			r.want("key2", flows.Miss, flows.CallInfo{})
			r.backend.set(func(b *backend) {
				b.slow, b.fail = 10*time.Second, func(string) error { return cognito.NotAuthorized(cognito.MsgTokenUnverified) }
			})
			if _, err := r.askAll(user, tokens); code(err) != "NotAuthorizedException" {
				t.Fatalf("got %v, want the refusal", err)
			}
			r.want("key2", flows.Hit, flows.CallInfo{})
		})
	}
}
