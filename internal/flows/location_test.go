package flows_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

const (
	otherBrokersError = "us-east-1:00000000-0000-4000-8000-000000000002" // a pool that is not served
	stranger          = "us-east-1:99999999-9999-4999-8999-999999999999"
)

// code is the name of a call's error; "" for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return cognito.Public(err).ErrorCode()
}

// byIdentity are the calls that name an identity.
var byIdentity = map[string]func(ctx context.Context, r *rig, id string) error{
	"GetCredentialsForIdentity": func(ctx context.Context, r *rig, id string) error {
		_, err := r.GetCredentialsForIdentity(
			ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: map[string]string{idp: "a1"}},
		)
		return err
	},
	"GetOpenIdToken": func(ctx context.Context, r *rig, id string) error {
		_, err := r.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: map[string]string{idp: "a1"}})
		return err
	},
	"UnlinkIdentity": func(ctx context.Context, r *rig, id string) error {
		_, err := r.UnlinkIdentity(
			ctx, &ci.UnlinkIdentityInput{IdentityId: &id, Logins: map[string]string{idp: "a1"}, LoginsToRemove: []string{idp}},
		)
		return err
	},
	"classic": func(ctx context.Context, r *rig, id string) error {
		_, err := r.Grant(
			ctx,
			flows.GrantRequest{
				Pool: pool, IdentityID: id, Logins: map[string]string{idp: "a1"}, Classic: &flows.Classic{RoleARN: role},
			},
		)
		return err
	},
	"grant": func(ctx context.Context, r *rig, id string) error {
		_, err := r.Grant(ctx, flows.GrantRequest{Pool: pool, IdentityID: id})
		return err
	},
	"link": func(ctx context.Context, r *rig, id string) error {
		_, err := r.Link(ctx, pool, id, map[string]string{idp: "a1"})
		return err
	},
	"token": func(ctx context.Context, r *rig, id string) error {
		_, err := r.Token(ctx, pool, id, nil)
		return err
	},
	"developer": func(ctx context.Context, r *rig, id string) error {
		_, err := r.DeveloperGrant(ctx, flows.DeveloperRequest{Pool: pool, User: "u", IdentityID: id})
		return err
	},
}

// An identity of another pool than the path names, or than is served, does not
// exist here, and the backend does not hear of it.
func TestForeignIdentities(t *testing.T) {
	for name, call := range byIdentity {
		for _, c := range []struct {
			what  string
			pools []string
			named string
		}{
			{"a pool that is not served", []string{pool}, ""},
			{"another pool in the path", nil, pool},
		} {
			t.Run(name+", "+c.what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.Pools = c.pools
					r.directory.places.Store(stranger, otherBrokersError)
					r.backend.set(func(b *backend) {
						b.before = func(operation string) { t.Errorf("%s reached the backend", operation) }
					})
					err := call(flows.WithCallInfo(t.Context(), &flows.CallInfo{Pool: c.named}), r, stranger)
					if got := code(err); got != "ResourceNotFoundException" || r.backend.exchanges.Load() != 0 {
						t.Errorf("got %q and %d exchanges, want ResourceNotFoundException and none", got, r.backend.exchanges.Load())
					}
				})
			})
		}
	}
}

// An identity that nobody has met is placed by its token.
func TestUnknownIdentitiesArePlacedByTheirToken(t *testing.T) {
	for name, c := range map[string]struct {
		learnt  string // pool that the token tells; "": none
		refusal error
		want    string
	}{
		"of a served pool":            {pool, nil, ""},
		"of a pool that is not":       {otherBrokersError, nil, "ResourceNotFoundException"},
		"of no pool that can be told": {"", nil, "ResourceNotFoundException"},
		"without the classic flow":    {"", cognito.InvalidParameter("classic"), "ResourceNotFoundException"},
		"of whom the login is not":    {"", cognito.NotAuthorized("no"), "NotAuthorizedException"},
		"while the backend is gone":   {"", cognito.TooManyRequests("slow"), "TooManyRequestsException"},
	} {
		for _, operation := range []string{
			"GetCredentialsForIdentity", "GetOpenIdToken", "classic", "grant", "link", "token",
		} {
			t.Run(name+", "+operation, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.Pools = []string{pool}
					r.directory.places.Store(stranger, "")
					r.backend.set(func(b *backend) {
						b.before = func(string) { r.directory.places.Store(stranger, c.learnt) }
						b.fail = func(string) error { return c.refusal }
					})
					want := c.want
					if operation == "GetOpenIdToken" || operation == "token" {
						if c.refusal != nil { // the backend's answer, as it is
							want = code(c.refusal)
						}
					}
					if got := code(byIdentity[operation](t.Context(), r, stranger)); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				})
			})
		}
	}
}

// An identity that nobody has met is not asked for a token before a login of it is
// unlinked: that could link one. Where pools are listed it does not exist.
func TestUnknownIdentitiesAreNotUnlinked(t *testing.T) {
	for name, c := range map[string]struct {
		pools []string
		want  string
		calls int32
	}{
		"pools are listed": {[]string{pool}, "ResourceNotFoundException", 0},
		"any pool":         {nil, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.Pools = c.pools
				r.directory.places.Store(stranger, "")
				var calls atomic.Int32
				r.backend.set(func(b *backend) { b.before = func(string) { calls.Add(1) } })
				if got := code(byIdentity["UnlinkIdentity"](t.Context(), r, stranger)); got != c.want || calls.Load() != c.calls {
					t.Errorf("got %q after %d calls, want %q after %d", got, calls.Load(), c.want, c.calls)
				}
			})
		})
	}
}

// Where any pool is served, an unknown identity is passed through, uncached.
func TestUnknownIdentitiesAreNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.places.Store(user, "")
		r.guest("key1")
		r.guest("key2")
		info := &flows.CallInfo{}
		if got, err := r.ask(user, "a1", info); err != nil || got != "key3" || info.Condition != nil || info.Outcome != "" {
			t.Errorf("got %s %v %q, want key3 and nothing to repeat", got, err, info.Outcome)
		}
	})
}

// Calls that name a pool are for served pools.
func TestPoolsThatAreNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Pools = []string{pool}
		for name, call := range map[string]func() error{
			"GetId": func() error {
				_, err := r.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: ptr(otherBrokersError)})
				return err
			},
			"GetOpenIdTokenForDeveloperIdentity": func() error {
				_, err := r.GetOpenIdTokenForDeveloperIdentity(t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{
					IdentityPoolId: ptr(otherBrokersError), Logins: map[string]string{"login.example": "u"}})
				return err
			},
			"UpdateIdentityPool": func() error {
				_, err := r.UpdateIdentityPool(t.Context(), &ci.UpdateIdentityPoolInput{IdentityPoolId: ptr(otherBrokersError)})
				return err
			},
			"DeleteIdentityPool": func() error {
				_, err := r.DeleteIdentityPool(t.Context(), &ci.DeleteIdentityPoolInput{IdentityPoolId: ptr(otherBrokersError)})
				return err
			},
			"SetIdentityPoolRoles": func() error {
				_, err := r.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{IdentityPoolId: ptr(otherBrokersError)})
				return err
			},
			"grant": func() error {
				_, err := r.Grant(t.Context(), flows.GrantRequest{Pool: otherBrokersError})
				return err
			},
			"developer token": func() error {
				_, err := r.DeveloperToken(t.Context(), flows.DeveloperRequest{Pool: otherBrokersError, User: "u"})
				return err
			},
		} {
			if got := code(call()); got != "ResourceNotFoundException" {
				t.Errorf("%s: got %q, want ResourceNotFoundException", name, got)
			}
		}
	})
}
