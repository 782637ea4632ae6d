package flows_test

import (
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// classic asks by the classic flow and compares the credentials.
func (r *rig) classic(key, token string, c flows.Classic) {
	r.t.Helper()
	request := flows.GrantRequest{Pool: pool, IdentityID: user, Classic: &c}
	if token != "" {
		request.Logins = map[string]string{idp: token}
	}
	g, err := r.Grant(r.t.Context(), request)
	if err != nil || g.Credentials.AccessKeyID != key || g.IdentityID != user {
		r.t.Errorf("got %v, error %v, want %s", g, err, key)
	}
}

// Role, session name and duration are the client's choice, and each is part of
// the key; so are his login and the flow itself.
func TestClassicKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		base := flows.Classic{RoleARN: role}
		r.classic("key1", "a1", base)
		r.classic("key1", "a2", base) // a fresh token
		r.classic("key2", "b1", base)
		r.classic("key3", "", base)
		r.classic("key4", "a1", flows.Classic{RoleARN: role + "2"})
		r.classic("key5", "a1", flows.Classic{RoleARN: role, SessionName: "mine"})
		r.classic("key6", "a1", flows.Classic{RoleARN: role, Duration: 2 * time.Hour})
		r.classic("key7", "a1", flows.Classic{RoleARN: role, SessionName: "mine", Duration: 2 * time.Hour})
		r.want("key8", flows.Miss, flows.CallInfo{}) // the enhanced flow
		r.classic("key1", "a1", base)
		r.classic("key6", "a1", flows.Classic{RoleARN: role, Duration: 2 * time.Hour})
		r.fence(cache.IdentityScope(user))
		r.classic("key9", "a1", base)
		r.fence(cache.PoolScopes(pool)...)
		r.classic("key10", "a1", base)
	})
}

// What was answered for another identity is served, and not kept.
func TestClassicAnswerForAnotherIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.answered = stranger })
		request := flows.GrantRequest{
			Pool: pool, IdentityID: user, Logins: map[string]string{idp: "a1"}, Classic: &flows.Classic{RoleARN: role},
		}
		for range 2 {
			if g, err := r.Grant(t.Context(), request); err != nil || g.IdentityID != stranger {
				t.Errorf("got %v, error %v, want the answered identity", g, err)
			}
		}
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges: got %d, want 2", got)
		}
	})
}

// GetOpenIdToken that may link ends what was cached; a user's own does not, and
// no token is ever cached.
func TestOpenIdTokenFences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := func(tokens map[string]string) {
			t.Helper()
			if _, err := r.GetOpenIdToken(
				t.Context(), &ci.GetOpenIdTokenInput{IdentityId: ptr(user), Logins: tokens},
			); err != nil {
				t.Error(err)
			}
		}
		r.want("key1", flows.Miss, flows.CallInfo{})
		token(map[string]string{idp: "a1"})
		token(nil)
		r.want("key1", flows.Hit, flows.CallInfo{})
		token(map[string]string{idp: "a1", idp2: "a1"})
		r.want("key2", flows.Miss, flows.CallInfo{})
		r.directory.guests.Store(user, true) // as one of whom too little was told
		token(map[string]string{idp: "a1"})
		r.want("key2", flows.Hit, flows.CallInfo{}) // whose login it is was
		token(map[string]string{idp: "b1"})
		r.want("key3", flows.Miss, flows.CallInfo{})
		r.directory.guests.Delete(user)
		r.backend.set(func(b *backend) { b.answered = stranger })
		token(map[string]string{idp: "a1"})
		r.backend.set(func(b *backend) { b.answered = "" })
		r.want("key4", flows.Miss, flows.CallInfo{})
	})
}
