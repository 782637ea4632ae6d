package flows_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/sts"
)

// ofSecond asks for the second user's identity, with his login alone.
func (r *rig) ofSecond(id string, info *flows.CallInfo) (string, error) {
	return r.askWith(info, id, map[string]string{idp2: "b1"})
}

// Whose a login is may become known while a change that comes with it is under way:
// what was brought for that owner is not kept beyond the change.
func TestOwnersWhoBecomeKnownDuringAChange(t *testing.T) {
	const other = "us-east-1:22222222-2222-4222-8222-222222222222"
	both := map[string]string{idp: "a1", idp2: "b1"}
	t.Run("by an exchange that ends within", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.backend.set(func(b *backend) { b.slow = 2 * time.Second })
			go r.ofSecond(other, &flows.CallInfo{})
			synctest.Wait()
			time.Sleep(time.Second)
			go r.askAll(user, both) // links the login to the first user's, as far as anybody can tell
			synctest.Wait()
			time.Sleep(time.Minute)
			info := &flows.CallInfo{}
			if got, err := r.ofSecond(other, info); err != nil || info.Outcome != flows.Miss {
				t.Errorf("after the change: got %s %s %v, want an exchange of its own", got, info.Outcome, err)
			}
		})
	})
	t.Run("between the look and the fence", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			looks := 0
			r.directory.looked = func() {
				if looks++; looks != 2 { // one for each login, before the fence
					return
				}
				r.directory.looked = nil
				if _, err := r.ofSecond(other, &flows.CallInfo{}); err != nil {
					t.Error(err)
				}
			}
			if _, err := r.askAll(user, both); err != nil {
				t.Error(err)
			}
			info := &flows.CallInfo{}
			if got, err := r.ofSecond(other, info); err != nil || info.Outcome != flows.Miss {
				t.Errorf("after the change: got %s %s %v, want an exchange of its own", got, info.Outcome, err)
			}
		})
	})
}

// Where owners become known again and again, nothing is changed.
func TestOwnersWhoChangeTooFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		n := 0
		r.directory.looked = func() {
			n++
			r.directory.Owns(pool, idp, "a", stranger[:len(stranger)-2]+string(rune('a'+n%6))+"0")
		}
		if _, err := r.askAll(
			user, map[string]string{idp: "a1", idp2: "b1"},
		); code(err) != "InternalErrorException" || r.backend.exchanges.Load() != 0 {
			t.Errorf("got %v and %d exchanges, want InternalErrorException and none", err, r.backend.exchanges.Load())
		}
	})
}

// One login that is the identity's already links nothing: nothing is fenced, even
// where too little is known of the identity.
func TestOwnLoginLinksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.directory.guests.Store(user, true)
		if got, err := r.askAll(user, map[string]string{foreign: "opaque"}); err != nil || got != "key2" {
			t.Errorf("a login that is not known: got %s %v, want key2", got, err)
		}
		r.want("key3", flows.Miss, flows.CallInfo{}) // which that ended
		r.directory.Owns(pool, idp, "b", user)
		if got, err := r.ask(user, "b1", &flows.CallInfo{}); err != nil || got != "key4" {
			t.Errorf("another of its own: got %s %v, want key4", got, err)
		}
		r.want("key3", flows.Hit, flows.CallInfo{})
		if got, err := r.ask(user, "c1", &flows.CallInfo{}); err != nil || got != "key5" {
			t.Errorf("one that is nobody's: got %s %v, want key5", got, err)
		}
		r.want("key6", flows.Miss, flows.CallInfo{})
	})
}

// A call with its own login and one more may link that: it is fenced, whether or not the
// other can be judged here.
func TestOwnLoginAndAnotherIsFenced(t *testing.T) {
	for _, other := range []string{idp2, foreign} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.directory.Owns(pool, idp, "a", user)
			r.want("key1", flows.Miss, flows.CallInfo{})
			r.backend.set(func(b *backend) { b.before = func(string) { r.want("key2", flows.Miss, flows.CallInfo{}) } })
			if _, err := r.Token(t.Context(), pool, user, map[string]string{idp: "a1", other: "b1"}); err != nil {
				t.Fatal(err)
			}
			r.want("key3", flows.Miss, flows.CallInfo{})
		})
	}
}

// The classic flow may have linked a login when STS refuses: what was cached before ends.
func TestRefusedBySTSMayHaveLinked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.guests.Store(user, true)
		r.guest("key1")
		r.STS = refusingSTS{}
		_, err := r.Grant(t.Context(), flows.GrantRequest{
			Pool: pool, IdentityID: user, Logins: map[string]string{idp: "a1"}, Classic: &flows.Classic{RoleARN: role},
		})
		if code(err) != "NotAuthorizedException" {
			t.Fatalf("got %v, want the refusal", err)
		}
		r.guest("key2")
	})
}

// refusingSTS refuses in the words that the service has for logins.
type refusingSTS struct{}

func (refusingSTS) AssumeRoleWithWebIdentity(context.Context, sts.Request) (*sts.Response, error) {
	return nil, cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
}

// Two pools may have developer providers of one name: the users of one are not those of the
// other, and their changes end nothing there.
func TestUsersAreOfTheirPool(t *testing.T) {
	const other = "us-east-1:00000000-0000-4000-8000-000000000002"
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.DeveloperNames = map[string]string{pool: "login.example", other: "login.example"}
		r.directory.places.Store(stranger, other)
		grant := func(key string) {
			t.Helper()
			got, err := r.DeveloperGrant(t.Context(), flows.DeveloperRequest{Pool: pool, User: "bob"})
			if err != nil || got.Credentials.AccessKeyID != key {
				t.Errorf("got %+v %v, want %s", got, err, key)
			}
		}
		grant("key1")
		grant("key1")
		for name, change := range map[string]func() error{
			"unlink": func() error {
				_, err := r.UnlinkDeveloperIdentity(t.Context(), &ci.UnlinkDeveloperIdentityInput{
					IdentityId: ptr(stranger), IdentityPoolId: ptr(other), DeveloperProviderName: ptr("login.example"),
					DeveloperUserIdentifier: ptr("bob")})
				return err
			},
			"link": func() error {
				_, err := r.DeveloperToken(t.Context(), flows.DeveloperRequest{Pool: other, User: "bob", IdentityID: stranger})
				return err
			},
		} {
			if err := change(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			grant("key1")
		}
	})
}
