package flows_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/flows"
)

// crowded are an app's calls that go to the backend.
var crowded = map[string]func(ctx context.Context, r *rig) error{
	"a guest": func(ctx context.Context, r *rig) error {
		_, err := r.GetId(ctx, &ci.GetIdInput{IdentityPoolId: ptr(pool)})
		return err
	},
	"an identity of a login that nobody here can judge": func(ctx context.Context, r *rig) error {
		_, err := r.GetId(
			ctx, &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: map[string]string{"unknown.example": "junk"}},
		)
		return err
	},
	"an identity of a login": func(ctx context.Context, r *rig) error {
		_, err := r.GetId(ctx, &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: map[string]string{idp: "z"}})
		return err
	},
	"credentials": func(ctx context.Context, r *rig) error {
		_, err := r.Grant(ctx, flows.GrantRequest{Pool: pool, IdentityID: user, Logins: map[string]string{idp: "z"}})
		return err
	},
	"credentials of a login that nobody here can judge": func(ctx context.Context, r *rig) error {
		_, err := r.Grant(
			ctx, flows.GrantRequest{Pool: pool, IdentityID: user, Logins: map[string]string{"unknown.example": "junk"}},
		)
		return err
	},
	"a token": func(ctx context.Context, r *rig) error {
		_, err := r.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: ptr(user), Logins: map[string]string{idp: "z"}})
		return err
	},
	"an unlink": func(ctx context.Context, r *rig) error {
		return r.unlinks(ctx, user, map[string]string{idp: "z"})
	},
}

// A client address has a quarter of the places for calls to the backend. Whoever of it finds
// none is told to come later; clients of other addresses, callers and whatever comes without
// an address do not notice.
func TestPlacesAreShared(t *testing.T) {
	for name, call := range crowded {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
				for n := range 8 { // of which two have a place, and the others wait
					go r.GetCredentialsForIdentity(from(t.Context(), "a"), &ci.GetCredentialsForIdentityInput{
						IdentityId: ptr(nobody0(n)), Logins: map[string]string{idp: "a"}})
				}
				synctest.Wait()
				if got := r.backend.exchanges.Load(); got != 2 {
					t.Fatalf("got %d calls of one address at the backend, want 2 of 8", got)
				}
				r.backend.set(func(b *backend) { b.slow = 0 })
				within := func(ctx context.Context) error {
					short, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					return call(short, r)
				}
				if err := within(from(t.Context(), "a")); code(err) != "TooManyRequestsException" && !errors.Is(
					err, context.DeadlineExceeded,
				) {
					t.Errorf("beyond the address's share: got %v, want to be told to come later", err)
				}
				time.Sleep(20 * time.Second) // what outlives its client ends
				synctest.Wait()
				if err := within(from(t.Context(), "a")); err != nil {
					t.Errorf("with places of its own again: got %v, want an answer", err)
				}
				if got := r.Shares(); got != 0 {
					t.Errorf("got %d addresses that are remembered, want none", got)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				for who, ctx := range map[string]context.Context{
					"another address": from(t.Context(), "b"),
					"a caller":        callers.With(from(t.Context(), "a"), new(callers.Caller)), "no address": t.Context(),
				} {
					r := newRig(t)
					r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
					for n := range 8 {
						go r.GetCredentialsForIdentity(from(t.Context(), "a"), &ci.GetCredentialsForIdentityInput{
							IdentityId: ptr(nobody0(n)), Logins: map[string]string{idp: "a"}})
					}
					synctest.Wait()
					r.backend.set(func(b *backend) { b.slow = 0 })
					began := time.Now()
					if err := call(ctx, r); err != nil || time.Since(began) > 0 {
						t.Errorf("%s: got %v after %v, want an answer at once", who, err, time.Since(began))
					}
					time.Sleep(20 * time.Second)
				}
			})
		})
	}
}

// Four addresses may have all places; then others wait, and their calls do not keep what they
// wait for from those who have it.
func TestPlacesOfAllAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		for n := range 12 {
			go r.GetCredentialsForIdentity(from(t.Context(), string(rune('a'+n/2))), &ci.GetCredentialsForIdentityInput{
				IdentityId: ptr(nobody0(n)), Logins: map[string]string{idp: "a"}})
		}
		synctest.Wait()
		if got := r.backend.exchanges.Load(); got != 8 {
			t.Errorf("got %d calls at the backend, want 8", got)
		}
		short, cancel := context.WithTimeout(from(t.Context(), "z"), time.Second)
		defer cancel()
		if err := crowded["a guest"](short, r); code(err) != "TooManyRequestsException" {
			t.Errorf("one more: got %v, want TooManyRequestsException", err)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := r.backend.exchanges.Load(); got != 12 || r.Shares() != 0 {
			t.Errorf("got %d calls at the backend and %d addresses, want all 12 made and none remembered", got, r.Shares())
		}
	})
}
