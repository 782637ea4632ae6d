package flows_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// permits are limits of guests that note whom they were asked for.
type turns struct {
	err   error
	asked []string
}

func (l *turns) Wait(_ context.Context, address, pool string) error {
	l.asked = append(l.asked, address+" "+pool)
	return l.err
}

// Guests wait their permit among those of their address and pool; users and guests
// that exist do not.
func TestGuestsWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		limit := &turns{}
		r.Guests = limit
		ctx := flows.WithCallInfo(t.Context(), &flows.CallInfo{Address: "192.0.2.1"})
		getID := func(tokens map[string]string) error {
			_, err := r.GetId(ctx, &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: tokens})
			return err
		}
		grant := func(id string) error {
			_, err := r.Grant(ctx, flows.GrantRequest{Pool: pool, IdentityID: id})
			return err
		}
		if err := errors.Join(getID(nil), getID(map[string]string{idp: "a1"}), grant(""), grant(user)); err != nil {
			t.Error(err)
		}
		want := "192.0.2.1 " + pool
		if len(limit.asked) != 2 || limit.asked[0] != want || limit.asked[1] != want {
			t.Errorf("turns taken: got %q, want two of %q", limit.asked, want)
		}
		limit.err = errors.New("no turn before the deadline")
		made := r.backend.ids.Load()
		err := getID(nil)
		if code(err) != "TooManyRequestsException" || !errors.Is(err, limit.err) || !errors.Is(err, cache.ErrLimited) {
			t.Errorf("GetId: got %v, want TooManyRequestsException", err)
		}
		if err := grant(""); code(err) != "TooManyRequestsException" {
			t.Errorf("grant: got %v, want TooManyRequestsException", err)
		}
		if r.backend.ids.Load() != made {
			t.Error("a guest was made without a turn")
		}
		if err := errors.Join(getID(map[string]string{idp: "a1"}), grant(user)); err != nil {
			t.Errorf("without a turn: got %v, want users and known guests served", err)
		}
	})
}

// Whatever goes to the backend takes a place. Without one before its deadline it
// is told to come later; with one it goes on. What is cached needs none.
func TestPlacesAreBounded(t *testing.T) {
	calls := map[string]func(ctx context.Context, r *rig) error{
		"GetId": func(ctx context.Context, r *rig) error {
			_, err := r.GetId(ctx, &ci.GetIdInput{IdentityPoolId: ptr(pool)})
			return err
		},
		"SetIdentityPoolRoles": func(ctx context.Context, r *rig) error {
			_, err := r.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: ptr(pool)})
			return err
		},
		"developer token": func(ctx context.Context, r *rig) error {
			_, err := r.DeveloperToken(ctx, flows.DeveloperRequest{Pool: pool, User: "u"})
			return err
		},
		"unproven developer grant": func(ctx context.Context, r *rig) error {
			_, err := r.DeveloperGrant(ctx, flows.DeveloperRequest{Pool: pool, User: "u", Logins: map[string]string{idp: "bad"}})
			return err
		},
		"unproven grant": func(ctx context.Context, r *rig) error {
			_, err := r.Grant(ctx, flows.GrantRequest{Pool: pool, IdentityID: stranger, Logins: map[string]string{idp: "bad"}})
			return err
		},
	}
	for name, call := range byIdentity {
		calls[name] = func(ctx context.Context, r *rig) error { return call(ctx, r, stranger) }
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
				r.occupy(8)
				r.backend.set(func(b *backend) { b.slow = 0 })
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				// An exchange that clients share has a deadline of its own; his ends first.
				err := call(short, r)
				if code(err) != "TooManyRequestsException" && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("with all places taken: got %v, want to be told to come later", err)
				}
				r.want("key1", flows.Hit, flows.CallInfo{})
				if err := call(t.Context(), r); err != nil {
					t.Errorf("with places to come: got %v, want an answer", err)
				}
			})
		})
	}
}
