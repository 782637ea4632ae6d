package flows_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// unprovenIDs are calls for the identity of nobody who proved a login: the n-th names what
// none before it did.
var unprovenIDs = map[string]func(n int) (pool string, logins map[string]string){
	"a login that nobody here can judge": func(n int) (string, map[string]string) {
		return pool, map[string]string{"unknown.example": fmt.Sprint("junk", n)}
	},
	"a bad login": func(int) (string, map[string]string) { return pool, map[string]string{idp: "bad"} },
	"bad logins":  func(int) (string, map[string]string) { return pool, map[string]string{idp: "bad", idp2: "bad"} },
	"a login in a pool that does not exist": func(n int) (string, map[string]string) {
		return madeUp(n), map[string]string{"unknown.example": "junk"}
	},
	"a guest in a pool that does not exist": func(n int) (string, map[string]string) { return madeUp(n), nil },
	"a guest where there are none":          func(int) (string, map[string]string) { return pool, nil },
}

func madeUp(n int) string { return fmt.Sprintf("us-east-1:%08x-5555-4555-8555-555555555555", n) }

// Identities that the backend refuses to give are limited by address, whatever pools and
// logins somebody makes up. What is limited takes no permit of guests, and does not reach the
// backend; what the backend gives counts nothing.
func TestRefusedIdentitiesAreLimited(t *testing.T) {
	ways := map[string]func(ctx context.Context, r *rig, pool string, logins map[string]string) error{
		"GetId": func(ctx context.Context, r *rig, pool string, logins map[string]string) error {
			_, err := r.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
			return err
		},
		"grant": func(ctx context.Context, r *rig, pool string, logins map[string]string) error {
			_, err := r.Grant(ctx, flows.GrantRequest{Pool: pool, Logins: logins})
			return err
		},
	}
	for way, ask := range ways {
		for name, call := range unprovenIDs {
			t.Run(way+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := limited(t)
					guests, calls, n := &turns{}, 0, 0
					r.Guests = guests
					r.backend.set(func(b *backend) {
						b.fail = func(string) error { return cognito.NotAuthorized(cognito.MsgGuestsNotAllowed) }
						b.within = func() { calls++ }
					})
					try := func(address string) error {
						n++
						pool, logins := call(n)
						return ask(from(t.Context(), address), r, pool, logins)
					}
					for range 3 {
						if got := code(try("a")); got != "NotAuthorizedException" {
							t.Fatalf("try %d: got %s, want the refusal", n, got)
						}
					}
					asked := len(guests.asked)
					for range 3 {
						err := try("a")
						limit, ok := errors.AsType[*cache.Limited](err)
						if !ok || code(err) != "TooManyRequestsException" || limit.Wait != 10*time.Second {
							t.Errorf("try %d: got %v, want it limited for 10 s", n, err)
						}
					}
					if calls != 3 || len(guests.asked) != asked {
						t.Errorf("got %d calls and %d turns of guests, want 3 and %d", calls, len(guests.asked), asked)
					}
					if got := code(try("b")); got != "NotAuthorizedException" {
						t.Errorf("another address: got %s, want the refusal", got)
					}
					r.backend.set(func(b *backend) { b.fail, b.changes = nil, nil })
					_, logins := call(0)
					if err := ask(from(t.Context(), "a"), r, pool, map[string]string{idp: "a1"}); err != nil {
						t.Errorf("a user who proves his login: got %v, want an answer", err)
					}
					for range 5 {
						if err := ask(from(t.Context(), "c"), r, pool, logins); err != nil {
							t.Errorf("what the backend gives: got %v, want an answer", err)
						}
					}
					time.Sleep(10 * time.Second)
					if err := ask(from(t.Context(), "a"), r, pool, logins); err != nil {
						t.Errorf("10 s later: got %v, want an answer", err)
					}
				})
			})
		}
	}
}
