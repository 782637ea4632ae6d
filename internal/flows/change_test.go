package flows_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/flows"
)

// Whatever changes an identity ends what was cached, and what was
// brought while the change ran, also where nobody knows its outcome.
func TestChangesFence(t *testing.T) {
	lost := errors.New("connection reset")
	for name, call := range map[string]func(r *rig) error{
		"UnlinkIdentity": func(r *rig) error { return byIdentity["UnlinkIdentity"](r.t.Context(), r, user) },
		"developer call that names it": func(r *rig) error {
			_, err := r.DeveloperToken(r.t.Context(), flows.DeveloperRequest{Pool: pool, User: "u", IdentityID: user})
			return err
		},
		"developer grant that names it": func(r *rig) error {
			_, err := r.DeveloperGrant(r.t.Context(), flows.DeveloperRequest{Pool: pool, User: "u", IdentityID: user})
			return err
		},
		"token with two logins": func(r *rig) error {
			_, err := r.Token(r.t.Context(), pool, user, map[string]string{idp: "a1", idp2: "a1"})
			return err
		},
	} {
		for _, outcome := range []error{nil, lost} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.want("key1", flows.Miss, flows.CallInfo{})
					r.backend.set(func(b *backend) {
						b.before = func(string) { r.want("key2", flows.Miss, flows.CallInfo{}) }
						b.changes = outcome
					})
					if err := call(r); (err != nil) != (outcome != nil) {
						t.Errorf("got %v, want %v", err, outcome)
					}
					r.backend.exchanges.Store(8)
					r.want("key9", flows.Miss, flows.CallInfo{})
				})
			})
		}
	}
}

// Who asked for somebody who has become another gets no more of what was cached
// for him, though the call itself changed nothing.
func TestAnswerForAnotherEndsTheAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.answered = stranger })
		time.Sleep(10 * time.Minute)
		r.want("key2", flows.Miss, flows.CallInfo{RequestFloor: 12 * time.Hour})
		r.want("key3", flows.Miss, flows.CallInfo{})
	})
}

// Unlink then ask: an exchange that was under way when the login was unlinked
// serves its own client at most; whoever asks after the answer gets what the
// backend says then.
func TestUnlinkThenAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		for range 5 { // clients of one exchange
			go r.ask(user, "a1", &flows.CallInfo{})
		}
		synctest.Wait()
		time.Sleep(time.Second)
		refusal := &types.NotAuthorizedException{Message: ptr("unlinked")}
		r.backend.set(func(b *backend) {
			b.before = func(string) { time.Sleep(2 * time.Second); r.backend.refuse("a1", refusal) }
		})
		if err := byIdentity["UnlinkIdentity"](t.Context(), r, user); err != nil {
			t.Fatal(err)
		}
		var asked int
		for range 30 { // before the old exchange ends, and after
			info := &flows.CallInfo{}
			if got, err := r.ask(user, "a1", info); code(err) != "NotAuthorizedException" {
				t.Errorf("client %d after the unlinking: got %s %v, want the refusal", asked, got, err)
			}
			asked++
		}
		time.Sleep(time.Minute)
		if _, err := r.ask(user, "a1", &flows.CallInfo{}); code(err) != "NotAuthorizedException" {
			t.Errorf("a minute later: got %v, want the refusal", err)
		}
	})
}
