package flows_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// developer asks for a backend's user and compares the credentials.
func (r *rig) developer(key string, request flows.DeveloperRequest) {
	r.t.Helper()
	request.Pool = pool
	g, err := r.DeveloperGrant(r.t.Context(), request)
	if err != nil || g.Credentials.AccessKeyID != key {
		r.t.Errorf("got %v, error %v, want %s", g, err, key)
	}
}

// The renewal of a developer entry makes no identity and links none: it names the
// identity that the user had. What others have of that identity lives on.
func TestDeveloperRenewalNamesTheIdentity(t *testing.T) {
	for _, id := range []string{"", user} {
		t.Run("identity "+id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.run(t)
				asked := flows.DeveloperRequest{User: "u", IdentityID: id}
				r.developer("key1", asked)
				r.developer("key1", asked)
				r.want("key2", flows.Miss, flows.CallInfo{})
				r.exchanged(37*time.Minute, 3)
				r.want("key2", flows.Hit, flows.CallInfo{})
				var named []string
				for _, in := range r.backend.developers {
					named = append(named, aws.ToString(in.IdentityId))
				}
				if !slices.Equal(named, []string{id, user}) {
					t.Errorf("identities named: got %q, want %q, then %q", named, id, user)
				}
				synctest.Wait()
				r.backend.exchanges.Store(8)
				r.developer("key3", asked)
				r.fence(cache.IdentityScope(user))
				r.developer("key9", asked)
			})
		})
	}
}

// A renewal is refused because the user has moved on: that is not the answer to
// a request that came meanwhile.
func TestAskersDoNotShareTheRefusalOfADeveloperRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.developer("key1", flows.DeveloperRequest{User: "u"})
		r.backend.set(func(b *backend) {
			b.slow = time.Second
			b.fail = func(token string) error {
				if r.backend.exchanges.Load() == 2 {
					return cognito.IdentityNotFound(user)
				}
				return nil
			}
		})
		time.Sleep(37 * time.Minute)
		r.developer("key1", flows.DeveloperRequest{User: "u"}) // starts the renewal
		synctest.Wait()
		ctx := flows.WithCallInfo(t.Context(), &flows.CallInfo{RequestFloor: 40 * time.Minute})
		g, err := r.DeveloperGrant(ctx, flows.DeveloperRequest{Pool: pool, User: "u"})
		if err != nil || g.Credentials.AccessKeyID != "key3" {
			t.Errorf("got %v, error %v, want key3", g, err)
		}
	})
}

// Everything that can change the answer keeps developer entries apart.
func TestDeveloperKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := "us-east-1:22222222-2222-4222-8222-222222222222"
		requests := []flows.DeveloperRequest{
			{User: "u"}, {User: "v"}, {User: "u", IdentityID: user}, {User: "u", IdentityID: other},
			{User: "u", Tags: map[string]string{"team": "a"}}, {User: "u", Tags: map[string]string{"team": "b"}},
			{User: "u", Tags: map[string]string{"team": "a", "x": "b"}},
			{User: "u", Logins: map[string]string{idp: "a1"}}, {User: "u", Logins: map[string]string{idp: "b1"}},
			{User: "u", Logins: map[string]string{idp2: "a1"}},
		}
		brought := map[string]int{}
		for n, request := range requests {
			request.Pool = pool
			g, err := r.DeveloperGrant(t.Context(), request)
			if err != nil {
				t.Fatalf("request %d: %v", n, err)
			}
			if earlier, twice := brought[g.Credentials.AccessKeyID]; twice {
				t.Errorf("request %d was served what request %d brought", n, earlier)
			}
			brought[g.Credentials.AccessKeyID] = n
		}
		r.developer(fmt.Sprint("key", len(requests)), requests[len(requests)-1]) // cached
		last := requests[len(requests)-1]
		last.Logins = map[string]string{idp2: "a2"} // a fresh token of the same login
		r.developer(fmt.Sprint("key", len(requests)), last)
	})
}

// Public logins may be linked by a call that names no identity: what was cached
// for the answered one ends.
func TestDeveloperCallWithPublicLoginsFences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.developer("key2", flows.DeveloperRequest{User: "u"})
		r.want("key1", flows.Hit, flows.CallInfo{}) // the user alone links nothing
		r.developer("key3", flows.DeveloperRequest{User: "u", Logins: map[string]string{idp: "a1"}})
		r.want("key4", flows.Miss, flows.CallInfo{})
	})
}

// A developer's answer is never for the memo: the right to ask is no part of the
// body.
func TestDeveloperAnswersHaveNoCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for range 2 {
			info := &flows.CallInfo{}
			if _, err := r.DeveloperGrant(
				flows.WithCallInfo(t.Context(), info), flows.DeveloperRequest{Pool: pool, User: "u"},
			); err != nil || info.Condition != nil {
				t.Errorf("got error %v, condition %v, want neither", err, info.Condition != nil)
			}
		}
	})
}

func TestDeveloperRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for name, c := range map[string]struct {
			request flows.DeveloperRequest
			code    string
		}{
			"a user beside the provider's login": {
				flows.DeveloperRequest{Pool: pool, User: "u", Logins: map[string]string{"login.example": "v"}},
				"InvalidParameterException",
			},
			"no user":             {flows.DeveloperRequest{Pool: pool}, "ValidationException"},
			"a pool that is none": {flows.DeveloperRequest{Pool: "pool", User: "u"}, "ValidationException"},
		} {
			if name == "a pool that is none" {
				r.DeveloperNames["pool"] = "login.example"
			}
			_, err := r.DeveloperGrant(t.Context(), c.request)
			_, failed := r.DeveloperToken(t.Context(), c.request)
			refused := func(err error) bool { return err != nil && cognito.Public(err).ErrorCode() == c.code }
			if !refused(err) || !refused(failed) {
				t.Errorf("%s: got %v and %v, want %s", name, err, failed, c.code)
			}
		}
	})
}
