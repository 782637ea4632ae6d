package flows_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// A call that the broker could not judge may have linked its login even where it
// failed: a role that is refused, for one, is refused after that.
func TestUncachedCallsEndWhatTheyMayHaveChanged(t *testing.T) {
	for name, refusal := range map[string]error{
		"accepted":             nil,
		"linked, role refused": cognito.NotAuthorized("role"),
		"linked, but no role":  cognito.InvalidPoolConfiguration("role"),
		"no answer in time":    context.DeadlineExceeded,
		"broken off":           errors.New("connection reset"),
		"failed in the middle": cognito.Internal(),
	} {
		for call, do := range uncachedCalls {
			t.Run(name+", "+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.directory.guests.Store(user, true)
					r.guest("key1")
					r.backend.refuse("bad", refusal)
					if err := do(r); (err != nil) != (refusal != nil) {
						t.Errorf("got %v, want %v", err, refusal)
					}
					r.backend.exchanges.Store(8)
					r.guest("key9")
				})
			})
		}
	}
}

// Where a login cannot be linked, for its one identity is a user's, a refusal
// ends nothing: whoever knows an id could keep it out of the cache.
func TestRefusedUncachedCallsEndNothing(t *testing.T) {
	for call, do := range uncachedCalls {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.want("key1", flows.Miss, flows.Ask{})
				r.backend.refuse("bad", cognito.NotAuthorized("bad"))
				if do(r) == nil {
					t.Error("got credentials, want the refusal")
				}
				r.want("key1", flows.Hit, flows.Ask{})
			})
		})
	}
}

// uncachedCalls ask with a login that the broker cannot prove.
var uncachedCalls = map[string]func(*rig) error{
	"operation": func(r *rig) error {
		_, err := r.ask(user, "bad", &flows.Ask{})
		return err
	},
	"grant":         func(r *rig) error { return r.badGrant(nil) },
	"classic grant": func(r *rig) error { return r.badGrant(&flows.Classic{RoleARN: role}) },
}

func (r *rig) badGrant(c *flows.Classic) error {
	_, err := r.Grant(r.t.Context(), flows.GrantRequest{Pool: pool, IdentityID: user, Logins: map[string]string{idp: "bad"}, Classic: c})
	return err
}

// A developer call with a login that the broker cannot prove is no less a call
// that links: it is fenced, and takes its place among all calls.
func TestUncachedDeveloperCallsAreFencedAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.guests.Store(user, true)
		r.guest("key1")
		during := make(chan struct{})
		r.backend.set(func(b *backend) {
			b.before = func(string) { r.guest("key2"); close(during) }
		})
		request := flows.DeveloperRequest{Pool: pool, User: "u", IdentityID: user, Logins: map[string]string{idp: "bad"}}
		if _, err := r.DeveloperGrant(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		<-during
		r.guest("key4") // neither key1 nor what was brought while the call ran
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		r.occupy(8)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.DeveloperGrant(ctx, flows.DeveloperRequest{Pool: pool, User: "u", Logins: map[string]string{idp: "bad"}})
		if _, ok := errors.AsType[*types.TooManyRequestsException](err); !ok {
			t.Errorf("with all places taken: got %v, want TooManyRequestsException", err)
		}
		time.Sleep(20 * time.Second)
	})
}
