package flows_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// strangers are the attempts of those who have shown no right to the identity that they name, and
// may have one, as far as the broker knows.
func strangers() map[string]func(ctx context.Context, r *rig, id string) error {
	some := map[string]func(ctx context.Context, r *rig, id string) error{}
	for name, attempt := range attempts {
		if !vouched[name] && !vain[name] {
			some[name] = attempt
		}
	}
	return some
}

// silences are ways in which a backend leaves it open what became of a call.
var silences = map[string]error{
	"no answer":                          cognito.Unavailable(context.DeadlineExceeded),
	"a fault":                            cognito.Internal(),
	"refused after no answer":            cognito.Unsettled(definite["no such login"]),
	"refused in words that nobody knows": cognito.NotAuthorized("The service has learnt to say this."),
}

// ofEveryone has the backend answer everyone's exchanges so; nil: as before.
func (b *backend) ofEveryone(err error) {
	b.set(func(b *backend) {
		b.changes, b.fail = err, func(string) error { return err }
	})
}

// Whatever a stranger's calls come to, and however many there are, the identity's user has what is
// cached, but for one exchange in as long as a call may be under way.
func TestStrangersHoldNobodyUp(t *testing.T) {
	t.Parallel()
	for name, attempt := range strangers() {
		for why, silence := range silences {
			t.Run(name+", "+why, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := limited(t)
					r.want("key1", flows.Miss, flows.CallInfo{})
					r.backend.refuseAttempts(silence)
					misses := 0
					for n := range 100 {
						if attempt(t.Context(), r, user) == nil {
							t.Fatal("got an answer, want none")
						}
						time.Sleep(300 * time.Millisecond)
						info := flows.CallInfo{}
						if _, err := r.ask(user, "a1", &info); err != nil || info.Outcome != flows.Hit {
							misses++
							t.Log(n, info.Outcome, err)
						}
						time.Sleep(700 * time.Millisecond)
					}
					if misses < 3 || misses > 4 {
						t.Errorf("got %d of 100 that were no hits, want one each 25 s", misses)
					}
				})
			})
		}
	}
}

// Nor while his call runs, for longer than most: what it suspended is served again.
func TestStrangersFencesAreBrief(t *testing.T) {
	for name, attempt := range strangers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				hold := make(chan struct{})
				r.backend.set(func(b *backend) {
					b.before = func(string) { <-hold }
					b.fail = func(token string) error {
						if token != "a1" {
							<-hold
						}
						return nil
					}
				})
				var succeeded bool
				go func() { succeeded = attempt(t.Context(), r, user) == nil }()
				synctest.Wait()
				began := time.Now()
				r.want("key1", flows.Hit, flows.CallInfo{})
				if waited := time.Since(began); waited < 100*time.Millisecond || waited > time.Second {
					t.Errorf("waited %v, want half a second", waited)
				}
				began = time.Now()
				r.want("key1", flows.Hit, flows.CallInfo{})
				if time.Since(began) > 0 {
					t.Error("waited once more")
				}
				close(hold)
				synctest.Wait()
				if !succeeded {
					t.Fatal("the call failed")
				}
				info := flows.CallInfo{}
				if got, err := r.ask(user, "a1", &info); err != nil || info.Outcome == flows.Hit {
					t.Errorf("got %s %s %v, want what a change ended to be a miss", got, info.Outcome, err)
				}
			})
		})
	}
}

// While the backend answers nobody, nothing ends of what is cached for others; when it answers again,
// what may have changed ends.
func TestStrangersInAnOutage(t *testing.T) {
	for name, attempt := range strangers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.backend.ofEveryone(cognito.Internal())
				for range 60 {
					if attempt(t.Context(), r, user) == nil {
						t.Fatal("got an answer, want none")
					}
					r.want("key1", flows.Hit, flows.CallInfo{})
					time.Sleep(5 * time.Second)
				}
				r.backend.ofEveryone(nil)
				time.Sleep(time.Minute)
				info := flows.CallInfo{}
				if got, err := r.ask(user, "a1", &info); err != nil || info.Outcome != flows.Miss {
					t.Errorf("got %s %s %v, want what may have changed to be a miss", got, info.Outcome, err)
				}
			})
		})
	}
}

// So it is where there is no room to have it end later: it ends at once.
func TestStrangersBeyondTheRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.FillDeferredEnds()
		r.backend.refuseAttempts(cognito.Internal())
		if attempts["unlink with a foreign login"](t.Context(), r, user) == nil {
			t.Fatal("got an answer, want none")
		}
		r.want("key2", flows.Miss, flows.CallInfo{})
	})
}

// unhurried answers each unlink after a while, with a refusal.
type unhurried struct{ *backend }

func (u unhurried) UnlinkIdentity(
	ctx context.Context, _ *ci.UnlinkIdentityInput, _ ...func(*ci.Options),
) (*ci.UnlinkIdentityOutput, error) {
	select {
	case <-time.After(200 * time.Millisecond):
		return nil, definite["no such login"]
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Who gets his place just before his deadline makes no call that the broker breaks off: what became
// of it would not be known.
func TestChangesHaveTimeOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Next = unhurried{r.backend}
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.slow = 1900 * time.Millisecond })
		for n := range 2 { // all places of the address
			r.clients.Go(func() {
				_, _ = r.GetCredentialsForIdentity(from(t.Context(), "s"), &ci.GetCredentialsForIdentityInput{
					IdentityId: ptr(nobody0(n)), Logins: map[string]string{idp: "b"}})
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(from(t.Context(), "s"), 2*time.Second)
		defer cancel()
		if err := r.unlinks(ctx, user, map[string]string{idp: "m1"}); code(err) != "NotAuthorizedException" {
			t.Errorf("got %v, want the backend's refusal", err)
		}
		r.Settled()
		r.want("key1", flows.Hit, flows.CallInfo{})
	})
}

// What a call may have changed ends after that call, also where it ended for one before it meanwhile.
func TestEachStrangersCallIsFollowedByAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.refuseAttempts(cognito.Internal())
		for range 2 { // at 0 and at 20 s: ends at 25 and at 45 s
			if attempts["unlink with a foreign login"](t.Context(), r, user) == nil {
				t.Fatal("got an answer, want none")
			}
			time.Sleep(20 * time.Second)
		}
		var outcomes []flows.Outcome
		for range 3 { // at 40, 50 and 60 s
			info := flows.CallInfo{}
			if _, err := r.ask(user, "a1", &info); err != nil {
				t.Fatal(err)
			}
			outcomes = append(outcomes, info.Outcome)
			time.Sleep(10 * time.Second)
		}
		if want := []flows.Outcome{flows.Miss, flows.Miss, flows.Hit}; !slices.Equal(outcomes, want) {
			t.Errorf("got %v, want %v", outcomes, want)
		}
	})
}

// droppedOwners is a fleet that notes whom it was told to be no owner.
type droppedOwners struct {
	flows.Shared
	dropped []string
}

func (d *droppedOwners) DropOwner(ctx context.Context, login cache.Scope, pool, id string) error {
	d.dropped = append(d.dropped, fmt.Sprint(login, " ", pool, " ", id))
	return d.Shared.DropOwner(ctx, login, pool, id)
}

// Who owned a login once, and has been refused for it since, is a stranger like others. Only a
// refusal says so that is of his login alone, and not of the identity.
func TestFormerOwnersAreStrangers(t *testing.T) {
	t.Parallel()
	unlink := func(ctx context.Context, r *rig) error { return r.unlinks(ctx, user, map[string]string{idp: "m1"}) }
	credentials := func(ctx context.Context, r *rig) error {
		_, err := r.ask(user, "m1", &flows.CallInfo{})
		return err
	}
	for name, c := range map[string]struct {
		call    func(ctx context.Context, r *rig) error
		refusal error
		drops   bool
	}{
		"UnlinkIdentity":            {unlink, definite["no such login"], true},
		"GetCredentialsForIdentity": {credentials, definite["no such login"], true},
		"no such identity":          {credentials, definite["nobody"], true},
		"of the identity":           {unlink, cognito.AccessForbidden(user), false},
		"a bad token":               {unlink, definite["a bad token"], false},
		"one of two": {func(ctx context.Context, r *rig) error {
			return r.unlinks(ctx, user, map[string]string{idp: "m1", idp2: "n1"})
		}, definite["no such login"], false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTestFleet(t)
			var fleet *droppedOwners
			r := f.join(func(f *flows.Config) {
				fleet = &droppedOwners{Shared: f.Shared}
				f.Shared = fleet
			})
			r.directory.Owns(pool, idp, "m", user)
			r.backend.refuseAttempts(c.refusal)
			if err := c.call(t.Context(), r.rig); code(err) != code(c.refusal) {
				t.Fatalf("got %v, want the refusal", err)
			}
			if owners, _ := r.directory.Owners(t.Context(), pool, idp, "m"); len(owners) == 0 != c.drops {
				t.Errorf("got owners %v", owners)
			}
			want := []string{fmt.Sprint(cache.LoginScope(idp, "m"), " ", pool, " ", user)}
			if !c.drops {
				want = nil
			}
			if !slices.Equal(fleet.dropped, want) {
				t.Errorf("the fleet was told %q, want %q", fleet.dropped, want)
			}
		})
	}
}
