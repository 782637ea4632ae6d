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

// outcomes of a call that may link, and whether it may have linked.
var outcomes = map[string]struct {
	err        error
	mayHave    bool // where nobody here could judge the login
	contradict bool // it shows that the backend took a login that was refused here
	unknown    bool // it may have linked, or do so yet, where nobody here could judge the login
}{
	"accepted":             {nil, true, true, false},
	"linked, role refused": {cognito.NotAuthorized("Access to Role 'r' is forbidden."), true, true, false},
	"linked, rules deny":   {cognito.NotAuthorized("The ambiguous role mapping rules for: p denied"), true, true, false},
	"refused otherwise":    {cognito.NotAuthorized("The service has learnt to say this."), false, false, true},
	"linked, but no role":  {cognito.InvalidPoolConfiguration("role"), true, true, false},
	"no answer in time":    {context.DeadlineExceeded, false, false, true},
	"broken off":           {errors.New("connection reset"), false, false, true},
	"failed in the middle": {cognito.Internal(), false, false, true},
	"refused":              {cognito.NotAuthorized(cognito.MsgTokenUnverified), false, false, false},
	"not his":              {cognito.NotAuthorized(cognito.MsgLoginsDontMatch), false, false, false},
	"nobody":               {cognito.IdentityNotFound(user), false, false, false},
	"somebody else's":      {cognito.ResourceConflict(cognito.MsgAlreadyLinked), false, false, false},
	"throttled":            {cognito.TooManyRequests(cognito.MsgRateExceeded), false, false, false},
	"no provider to ask":   {cognito.ExternalService("down"), false, false, false},
}

// A call that may link ends what it may have changed, also where it failed: a role that is
// refused, for one, is refused after that. One that was surely refused ends nothing; nor
// does one that nobody can have a right to, as far as its outcome does not show otherwise. Where
// the outcome is not known, what it may have changed ends once it cannot be made any more.
func TestUncachedCallsEndWhatTheyMayHaveChanged(t *testing.T) {
	for name, outcome := range outcomes {
		for call, do := range uncachedCalls {
			for token, ends := range map[string]bool{"down": outcome.mayHave, "bad": outcome.contradict} {
				t.Run(name+", "+call+", "+token, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t)
						r.directory.guests.Store(user, true)
						r.guest("key1")
						r.backend.refuse(token, outcome.err)
						if err := do(r, token); (err != nil) != (outcome.err != nil) {
							t.Errorf("got %v, want %v", err, outcome.err)
						}
						r.backend.exchanges.Store(8)
						r.guest(map[bool]string{true: "key9", false: "key1"}[ends])
						time.Sleep(30 * time.Second) // longer than a call can be under way
						if outcome.unknown && token == "down" {
							r.guest("key13") // four were for the question whether the backend answers
						} else {
							r.guest(map[bool]string{true: "key9", false: "key1"}[ends])
						}
					})
				})
			}
		}
	}
}

// Where a login cannot be linked, for its one identity is a user's, a refusal
// ends nothing: whoever knows an id could keep it out of the cache.
func TestRefusedUncachedCallsEndNothing(t *testing.T) {
	for call, do := range uncachedCalls {
		for _, token := range []string{"down", "bad"} {
			t.Run(call+", "+token, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.want("key1", flows.Miss, flows.CallInfo{})
					r.backend.refuse(token, cognito.NotAuthorized("bad"))
					if do(r, token) == nil {
						t.Error("got credentials, want the refusal")
					}
					r.want("key1", flows.Hit, flows.CallInfo{})
				})
			})
		}
	}
}

// uncachedCalls ask with a login that the broker cannot prove.
var uncachedCalls = map[string]func(*rig, string) error{
	"operation": func(r *rig, token string) error {
		_, err := r.ask(user, token, &flows.CallInfo{})
		return err
	},
	"grant":         func(r *rig, token string) error { return r.badGrant(token, nil) },
	"classic grant": func(r *rig, token string) error { return r.badGrant(token, &flows.Classic{RoleARN: role}) },
}

func (r *rig) badGrant(token string, c *flows.Classic) error {
	_, err := r.Grant(
		r.t.Context(), flows.GrantRequest{Pool: pool, IdentityID: user, Logins: map[string]string{idp: token}, Classic: c},
	)
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
