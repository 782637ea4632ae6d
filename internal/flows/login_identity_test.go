package flows_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// getID asks for the identity of logins, and tells where the answer came from.
func (r *rig) getID(tokens map[string]string) (string, flows.Outcome, error) {
	info := &flows.CallInfo{}
	out, err := r.GetId(flows.WithCallInfo(r.t.Context(), info), &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: tokens})
	if err != nil {
		return "", info.Outcome, err
	}
	return *out.IdentityId, info.Outcome, nil
}

// wantID asks for the identity of the user's login and returns it; asked is how often
// the backend was by then.
func (r *rig) wantID(outcome flows.Outcome, asked int32) string {
	r.t.Helper()
	id, got, err := r.getID(map[string]string{idp: "a1"})
	if err != nil || got != outcome || r.backend.ids.Load() != asked {
		r.t.Errorf("got %s %v and the backend asked %d times, want %s and %d", got, err, r.backend.ids.Load(), outcome, asked)
	}
	return id
}

// The identity of a proven login is known for a day, and to nobody else.
func TestKnownLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		id := r.wantID(flows.Miss, 1)
		if again := r.wantID(flows.Hit, 1); again != id {
			t.Errorf("again: got another identity, want the same")
		}
		// A pool may take one client of a provider, and not another.
		if _, outcome, err := r.getID(map[string]string{idp: "a1@another-app"}); err != nil || outcome != flows.Miss {
			t.Errorf("by another app: got %s %v, want a miss", outcome, err)
		}
		seen := map[string]bool{id: true}
		for name, tokens := range map[string]map[string]string{
			"another user":             {idp: "b1"},
			"his namesake elsewhere":   {idp2: "a1"},
			"who proves nothing":       {idp: "bad"},
			"whom nobody here proves":  {foreign: "a1"},
			"with a second login":      {idp: "a1", idp2: "a1"},
			"beside what is no proof":  {idp: "a1", foreign: "x"},
			"with a token of our own":  {cognito.PassThrough: tokenOf(pool, id, "authenticated")},
			"a guest":                  nil,
			"a guest with empty hands": {},
		} {
			for n := range 2 {
				got, outcome, err := r.getID(tokens)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				kept := len(tokens) == 1 && (tokens[idp] == "b1" || tokens[idp2] == "a1")
				if want := kept && n == 1; (outcome == flows.Hit) != want || seen[got] != want {
					t.Errorf("%s, call %d: got %q, and an identity met before: %v; want a hit: %v", name, n, outcome, seen[got], want)
				}
				seen[got] = true
			}
		}
		if _, _, err := r.getID(map[string]string{idp: "a1"}); err != nil { // the second login may have been linked
			t.Fatal(err)
		}
		asked := r.backend.ids.Load()
		if again, _, err := r.getID(map[string]string{idp: "a-fresh-token"}); err != nil || r.backend.ids.Load() != asked {
			t.Errorf("a fresh token of the same user: got %v %v, want what is known", again, err)
		}
		time.Sleep(24*time.Hour - time.Second)
		r.wantID(flows.Hit, asked)
		time.Sleep(time.Second)
		r.wantID(flows.Miss, asked+1)
	})
}

// What ends what was obtained for the login's identity, or its pool, ends what is
// known of the login too.
func TestFencesEndKnownLogins(t *testing.T) {
	for name, end := range map[string]func(r *rig, id string) error{
		"the identity": func(r *rig, id string) error { return r.Fence(r.t.Context(), cache.IdentityScope(id)) },
		"the login":    func(r *rig, _ string) error { return r.Fence(r.t.Context(), cache.LoginScope(idp, "a")) },
		"the pool":     func(r *rig, _ string) error { return r.Fence(r.t.Context(), cache.PoolScopes(pool)...) },
		"an unlinking": func(r *rig, id string) error { return byIdentity["UnlinkIdentity"](r.t.Context(), r, id) },
		"a merge": func(r *rig, _ string) error {
			_, err := r.askAll(user, map[string]string{idp: "a1", idp2: "b1"})
			return err
		},
		"a change of the pool": func(r *rig, _ string) error { return poolChanges["UpdateIdentityPool"](r, "new") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				id := r.wantID(flows.Miss, 1)
				r.wantID(flows.Hit, 1)
				if err := end(r, id); err != nil {
					t.Fatal(err)
				}
				r.wantID(flows.Miss, 2)
			})
		})
	}
}

// What the backend said while the identity changed is served and not kept: the
// identity was not known before its answer, and so no epoch of it.
func TestIdentitiesThatChangeMeanwhile(t *testing.T) {
	id := "us-east-1:00000001-0000-4000-8000-000000000000" // that the backend will name
	for name, c := range map[string]struct {
		before func(r *rig) (within func())
		want   flows.Outcome
	}{
		"it does not": {func(*rig) func() { return nil }, flows.Hit},
		"another does": {func(r *rig) func() {
			return func() { r.fence(cache.IdentityScope(stranger)) }
		}, flows.Hit},
		"it does, at once": {func(r *rig) func() {
			return func() { r.fence(cache.IdentityScope(id)) }
		}, flows.Miss},
		"it began to before": {func(r *rig) func() {
			change := r.begin(cache.IdentityScope(id))
			return func() { change.Done() }
		}, flows.Miss},
		"it goes on": {func(r *rig) func() {
			change := r.begin(cache.IdentityScope(id))
			r.t.Cleanup(change.Cancel)
			return nil
		}, flows.Miss},
		"it was about to": {func(r *rig) func() {
			change := r.begin(cache.IdentityScope(id))
			return func() { change.Cancel() }
		}, flows.Hit},
		"another broker's change is heard of": {func(r *rig) func() {
			return func() { r.Epochs.End(cache.IdentityScope(id)) }
		}, flows.Miss},
		"its login does": {func(r *rig) func() {
			return func() { r.fence(cache.LoginScope(idp, "a")) }
		}, flows.Miss},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.backend.within = c.before(r)
				r.wantID(flows.Miss, 1)
				r.backend.within = nil
				if _, got, err := r.getID(map[string]string{idp: "a1"}); got != c.want || err != nil {
					t.Errorf("again: got %s %v, want %s", got, err, c.want)
				}
			})
		})
	}
}

// begin begins a change of the scopes.
func (r *rig) begin(scopes ...cache.Scope) *cache.Fence {
	change, err := r.Epochs.Fence(context.Background(), scopes...)
	if err != nil {
		r.t.Fatal(err)
	}
	return change
}

// Those who ask at once for one login share a call; who has another token than the
// refused one tries his own.
func TestAskersShareAGetId(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.within = func() { time.Sleep(time.Second) }
		r.backend.refuse("a-revoked", cognito.NotAuthorized("revoked"))
		go func() {
			if _, _, err := r.getID(map[string]string{idp: "a-revoked"}); code(err) != "NotAuthorizedException" {
				t.Errorf("the revoked token: got %v, want its refusal", err)
			}
		}()
		synctest.Wait()
		for range 20 {
			go func() {
				if _, _, err := r.getID(map[string]string{idp: "a1"}); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(5 * time.Second)
		r.wantID(flows.Hit, r.backend.ids.Load())
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.within = func() { time.Sleep(time.Second) }
		for range 20 {
			go r.getID(map[string]string{idp: "a1"})
		}
		synctest.Wait()
		time.Sleep(5 * time.Second)
		r.wantID(flows.Hit, 1)
	})
}

// refusals by which a backend says that an identity is not the login's, and others.
var refusals = map[string]struct {
	err  error
	ends bool
}{
	"no such identity": {cognito.IdentityNotFound(user), true},
	"forbidden":        {cognito.AccessForbidden(user), true},
	"no login of it":   {cognito.NotAuthorized(cognito.MsgLoginsDontMatch), true},
	"another refusal":  {cognito.NotAuthorized(cognito.MsgTokenUnverified), false},
	"a conflict":       {cognito.ResourceConflict(cognito.MsgAlreadyLinked), false},
	"a throttle":       {cognito.TooManyRequests(cognito.MsgRateExceeded), false},
	"a fault":          {errors.New("connection reset"), false},
}

// A refusal of the identity for its login ends what is known of the login, in every
// flow; others end nothing, nor does that of an identity that he was not known by.
func TestRefusalsEndKnownLogins(t *testing.T) {
	for name, c := range refusals {
		for _, operation := range []string{
			"GetCredentialsForIdentity", "GetOpenIdToken", "UnlinkIdentity", "classic", "link",
		} {
			for whose, mine := range map[string]bool{"his own": true, "another": false} {
				t.Run(name+", "+operation+", "+whose, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t)
						id := r.wantID(flows.Miss, 1)
						if !mine {
							id = stranger
						}
						r.backend.set(func(b *backend) {
							b.fail = func(string) error { return c.err }
							if operation == "UnlinkIdentity" {
								b.changes = c.err
							}
						})
						if err := byIdentity[operation](t.Context(), r, id); err == nil {
							t.Fatal("got no refusal")
						}
						r.backend.set(func(b *backend) { b.fail, b.changes = nil, nil })
						if operation == "UnlinkIdentity" && mine {
							return // a change of the identity, whatever came of it
						}
						if c.ends && mine {
							r.wantID(flows.Miss, 2)
						} else {
							r.wantID(flows.Hit, 1)
						}
					})
				})
			}
		}
	}
}

// One call that was led astray by what is known of a login asks once more.
func TestOneCallTriesAgain(t *testing.T) {
	for name, c := range refusals {
		for _, flow := range []string{"enhanced", "classic"} {
			t.Run(name+", "+flow, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					request := flows.GrantRequest{Pool: pool, Logins: map[string]string{idp: "a1"}}
					if flow == "classic" {
						request.Classic = &flows.Classic{RoleARN: role}
					}
					stale := r.wantID(flows.Miss, 1)
					refuse := func(always bool) {
						r.backend.set(func(b *backend) {
							b.refuseID = func(id string) error {
								if always || id == stale {
									return c.err
								}
								return nil
							}
						})
					}
					refuse(false)
					g, err := r.Grant(t.Context(), request)
					if c.ends && (err != nil || g.IdentityID == stale || r.backend.ids.Load() != 2) {
						t.Errorf("got %v after %d GetIds, want credentials of another identity", err, r.backend.ids.Load())
					}
					if !c.ends && (err == nil || r.backend.ids.Load() != 1) {
						t.Errorf("got %v after %d GetIds, want the error at once", err, r.backend.ids.Load())
					}
					if !c.ends {
						return
					}
					r.fence(cache.IdentityScope(g.IdentityID))
					refuse(true)
					asked := r.backend.ids.Load()
					if _, err := r.Grant(t.Context(), request); !errors.Is(err, c.err) || r.backend.ids.Load() != asked+1 {
						t.Errorf(
							"refused for good, not led astray: got %v after %d GetIds, want the refusal after one", err,
							r.backend.ids.Load()-asked,
						)
					}
				})
			})
		}
	}
}

// A call that names an account is answered from what is known only where the backend
// took that account for the pool.
func TestKnownLoginsOfAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.wantID(flows.Miss, 1)
		ask := func(account string) error {
			_, err := r.GetId(t.Context(), &ci.GetIdInput{
				IdentityPoolId: ptr(pool), AccountId: aws.String(account), Logins: map[string]string{idp: "a1"},
			})
			return err
		}
		for _, c := range []struct {
			account string
			fail    bool
			asked   int32
		}{{"000000000000", false, 2}, {"000000000000", false, 2}, {"111111111111", true, 2}, {"000000000000", false, 2}} {
			r.backend.set(func(b *backend) {
				b.fail = func(string) error {
					if c.fail {
						return cognito.PoolNotFound(pool)
					}
					return nil
				}
			})
			if err := ask(c.account); (err != nil) != c.fail || r.backend.ids.Load() != c.asked {
				t.Errorf("account %s: got %v and %d GetIds, want %d", c.account, err, r.backend.ids.Load(), c.asked)
			}
		}
	})
}
