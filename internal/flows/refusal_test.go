package flows_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// attempts are calls by which somebody may try to change the identity of another, or to end
// what is cached for him.
var attempts = map[string]func(ctx context.Context, r *rig, id string) error{
	"unlink without logins": func(ctx context.Context, r *rig, id string) error {
		return r.unlinks(ctx, id, map[string]string{})
	},
	"unlink with a bad login": func(ctx context.Context, r *rig, id string) error {
		return r.unlinks(ctx, id, map[string]string{idp: "bad"})
	},
	"unlink with a foreign login": func(ctx context.Context, r *rig, id string) error {
		return r.unlinks(ctx, id, map[string]string{idp: "m1"})
	},
	"unlink with a login that nobody here can judge": func(ctx context.Context, r *rig, id string) error {
		return r.unlinks(ctx, id, map[string]string{foreign: "opaque"})
	},
	"credentials with two foreign logins": func(ctx context.Context, r *rig, id string) error {
		_, err := r.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{
			IdentityId: &id, Logins: map[string]string{idp: "m1", idp2: "m1"}})
		return err
	},
	"credentials with bad logins": func(ctx context.Context, r *rig, id string) error {
		_, err := r.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{
			IdentityId: &id, Logins: map[string]string{idp: "bad", idp2: "bad"}})
		return err
	},
	"a token with a foreign login and one that nobody here can judge": func(ctx context.Context, r *rig, id string) error {
		_, err := r.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{
			IdentityId: &id, Logins: map[string]string{idp: "m1", foreign: "m1"}})
		return err
	},
	"link": func(ctx context.Context, r *rig, id string) error {
		_, err := r.Link(ctx, pool, id, map[string]string{idp: "m1", idp2: "m1"})
		return err
	},
	"unlink a developer's user": func(ctx context.Context, r *rig, id string) error {
		_, err := r.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{
			IdentityId: &id, IdentityPoolId: ptr(pool), DeveloperProviderName: ptr("login.example"),
			DeveloperUserIdentifier: ptr("m")})
		return err
	},
	"a developer's token": func(ctx context.Context, r *rig, id string) error {
		_, err := r.DeveloperToken(ctx, flows.DeveloperRequest{Pool: pool, User: "m", IdentityID: id})
		return err
	},
	"a developer's grant": func(ctx context.Context, r *rig, id string) error {
		_, err := r.DeveloperGrant(
			ctx, flows.DeveloperRequest{Pool: pool, User: "m", IdentityID: id, Logins: map[string]string{idp: "m1"}},
		)
		return err
	},
	"a deletion": func(ctx context.Context, r *rig, id string) error {
		_, err := r.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
		return err
	},
}

// vouched are the attempts of callers.
var vouched = map[string]bool{
	"unlink a developer's user": true, "a developer's token": true, "a developer's grant": true, "a deletion": true,
}

// vain are those that nobody needs a fence for: their logins are refused here too.
var vain = map[string]bool{
	"unlink without logins": true, "unlink with a bad login": true, "credentials with bad logins": true,
}

func (r *rig) unlinks(ctx context.Context, id string, logins map[string]string) error {
	_, err := r.UnlinkIdentity(
		ctx, &ci.UnlinkIdentityInput{IdentityId: &id, Logins: logins, LoginsToRemove: []string{"x"}},
	)
	return err
}

// The backend's own refusals of a change, each of which says that it was not made.
var definite = map[string]error{
	"no such login":   cognito.NotAuthorized(cognito.MsgLoginsDontMatch),
	"a bad token":     cognito.NotAuthorized(cognito.MsgTokenMalformed),
	"nobody":          cognito.IdentityNotFound(user),
	"somebody else's": cognito.ResourceConflict(cognito.MsgAlreadyLinked),
	"throttled":       cognito.TooManyRequests(cognito.MsgRateExceeded),
	"invalid":         cognito.InvalidParameter("no"),
	"no provider":     cognito.ExternalService("down"),
}

// refuseAttempts refuses everything but what the identity's own login asks.
func (b *backend) refuseAttempts(err error) {
	b.set(func(b *backend) {
		b.changes = err
		b.fail = func(token string) error {
			if token == "a1" || token == "" {
				return nil
			}
			return err
		}
	})
}

// A call that is refused ends nothing, whatever it was: the next answer is a hit.
func TestRefusedCallsEndNothing(t *testing.T) {
	for name, attempt := range attempts {
		for why, refusal := range definite {
			t.Run(name+", "+why, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.want("key1", flows.Miss, flows.CallInfo{})
					id := r.wantID(flows.Miss, 1)
					r.directory.Owns(pool, idp, "a", user)
					r.backend.refuseAttempts(refusal)
					for range 3 {
						if err := attempt(t.Context(), r, user); err == nil {
							t.Fatal("got an answer, want the refusal")
						}
						r.want("key1", flows.Hit, flows.CallInfo{})
					}
					if got := r.wantID(flows.Hit, 1); got != id {
						t.Errorf("got identity %s, want %s", got, id)
					}
				})
			})
		}
	}
}

// Nor does it cost the identity's owner anything while it runs: he waits for the refusal
// instead of an exchange whose answer could not be kept; also where the refusal takes longer
// than he waits, and the backend throttles him then.
func TestRefusedCallsCostNothing(t *testing.T) {
	for name, attempt := range attempts {
		t.Run(name, func(t *testing.T) { costsNothing(t, attempt, 100*time.Millisecond, nil) })
		t.Run(name+", throttled", func(t *testing.T) {
			costsNothing(t, attempt, 800*time.Millisecond, cognito.TooManyRequests(cognito.MsgRateExceeded))
		})
	}
}

// costsNothing has attempts refused that late; meanwhile the owner's exchanges fail so.
func costsNothing(
	t *testing.T, attempt func(ctx context.Context, r *rig, id string) error, late time.Duration, exchanges error,
) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		id := r.wantID(flows.Miss, 1)
		r.directory.Owns(pool, idp, "a", id)
		time.Sleep(10 * time.Minute) // less is left than the longest floor asks for
		r.backend.refuseAttempts(definite["no such login"])
		hold := make(chan struct{})
		r.backend.set(func(b *backend) {
			before := b.fail
			b.before = func(string) { <-hold }
			b.fail = func(token string) error {
				err := before(token)
				if err != nil {
					<-hold
				} else if exchanges != nil {
					return exchanges
				}
				return err
			}
		})
		for range 2 {
			go attempt(t.Context(), r, user)
			go attempt(t.Context(), r, id)
		}
		synctest.Wait()
		time.AfterFunc(late, func() { close(hold) })
		var both sync.WaitGroup
		both.Go(func() { r.want("key1", flows.Hit, flows.CallInfo{}) })
		both.Go(func() { r.wantID(flows.Hit, 1) })
		if exchanges != nil { // and whoever wants more life than there is, is told so
			both.Go(func() { r.want("key1", flows.Stale, flows.CallInfo{ClientFloor: 12 * time.Hour}) })
		}
		both.Wait()
		time.Sleep(time.Second)
	})
}

// So it is over a fleet, at the broker that was asked and at the others; and calls for
// identities that nobody has leave Redis as it was.
func TestRefusedCallsInAFleet(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	named := func(f *flows.Config) { f.DeveloperNames = map[string]string{pool: "login.example"} }
	brokers := []*fleetBroker{c.join(named), c.join(named)}
	for i, m := range brokers {
		m.want("key1", []flows.Outcome{flows.Miss, flows.Hit}[i], flows.CallInfo{})
	}
	c.directory.Owns(pool, idp, "a", user)
	c.backend.refuseAttempts(definite["no such login"])
	keys := func() map[string]bool {
		all := map[string]bool{}
		for _, key := range c.redis.Client().Keys(t.Context(), "*").Val() {
			if !strings.Contains(key, ":o:") { // how a flight failed, for five seconds
				all[key] = true
			}
		}
		return all
	}
	for _, attempt := range attempts {
		attempt(t.Context(), brokers[0].rig, user) // what there is once, of users who are there
	}
	before := keys()
	n := 0
	for name, attempt := range attempts {
		for range 3 {
			if err := attempt(t.Context(), brokers[0].rig, user); err == nil {
				t.Fatalf("%s: got an answer, want the refusal", name)
			}
			for i, m := range brokers {
				if got, err := m.ask(user, "a1", &flows.CallInfo{}); got != "key1" || err != nil {
					t.Errorf("%s, broker %d: got %s %v, want key1", name, i, got, err)
				}
			}
			n++
			nobody := fmt.Sprintf("us-east-1:%08x-2222-4222-8222-222222222222", n)
			c.directory.places.Store(nobody, "") // not known
			if err := attempt(t.Context(), brokers[n%2].rig, nobody); err == nil {
				t.Fatalf("%s, for nobody: got an answer, want the refusal", name)
			}
		}
	}
	if after := keys(); !maps.Equal(before, after) {
		t.Errorf("got %d keys in Redis, want the %d that there were", len(after), len(before))
	}
}

// A bad login is refused by the backend whether or not the fleet can be told; should the
// backend take it, nobody is told so before all that rests on it has ended.
func TestBadLoginsWithoutTheFleet(t *testing.T) {
	for name, refusal := range map[string]error{"refused": definite["a bad token"], "taken": nil} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			fleet := &unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}}
			r.Epochs.ShareWith(fleet)
			r.directory.guests.Store(user, true)
			r.backend.refuse("bad", refusal)
			_, err := r.Token(t.Context(), pool, user, map[string]string{idp: "bad"})
			if refusal != nil {
				if code(err) != "NotAuthorizedException" {
					t.Errorf("got %v, want the refusal", err)
				}
				return
			}
			if !errors.Is(err, cognito.ErrUnavailable) {
				t.Errorf("got %v, want %v", err, cognito.ErrUnavailable)
			}
			fleet.set(false)
			waitUntil(t, "the end of what was cached", func() bool {
				fleet.mu.Lock()
				defer fleet.mu.Unlock()
				return fleet.ended[cache.IdentityScope(user)] > 0
			})
			if err := r.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// limited is a rig whose addresses and identities have three refusals each, of which one
// comes back in 10 s.
func limited(t *testing.T) *rig {
	r := newRig(t)
	for _, a := range []**cache.Allowance{&r.Refusals.Addresses, &r.Refusals.Identities} {
		made, err := cache.NewAllowance(6, 3, 100, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(made.Close)
		*a = made
	}
	r.backend.refuseAttempts(definite["no such login"])
	return r
}

func from(ctx context.Context, address string) context.Context {
	return flows.WithCallInfo(ctx, &flows.CallInfo{Address: address})
}

func nobody0(n int) string { return fmt.Sprintf("us-east-1:%08x-3333-4333-8333-333333333333", n) }

// Refused changes are limited by address, but for callers. What is limited does not reach
// the backend, and time brings it back.
func TestRefusedCallsAreLimited(t *testing.T) {
	for name, attempt := range attempts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := limited(t)
				n := 0
				try := func() error {
					n++
					return attempt(from(t.Context(), "a"), r, nobody0(n))
				}
				for range 3 {
					if got := code(try()); got != "NotAuthorizedException" {
						t.Fatalf("try %d: got %s, want the refusal", n, got)
					}
				}
				for range 3 {
					err := try()
					limited, ok := errors.AsType[*cache.Limited](err)
					if ok == vouched[name] || code(err) != map[bool]string{
						true: "NotAuthorizedException", false: "TooManyRequestsException",
					}[vouched[name]] {
						t.Errorf("try %d: got %v, want it limited: %v", n, err, !vouched[name])
					}
					if ok && limited.Wait != 10*time.Second {
						t.Errorf("told to wait %v, want 10 s", limited.Wait)
					}
				}
				time.Sleep(10 * time.Second)
				if got := code(try()); got != "NotAuthorizedException" {
					t.Errorf("10 s later: got %s, want the refusal", got)
				}
			})
		})
	}
}

// An identity's limit bounds the fences that refused calls begin for it, and holds up
// nobody: the calls beyond it are made, and what they change after all ends.
func TestRefusedFencesAreLimited(t *testing.T) {
	for name, attempt := range attempts {
		if name == "a deletion" {
			continue // an administrator names many, and deletes what he likes
		}
		t.Run(name, func(t *testing.T) {
			r := limited(t)
			r.BeginBriefFencesAnyTime()
			fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
			r.Epochs.ShareWith(fleet)
			fences := func() int {
				fleet.mu.Lock()
				defer fleet.mu.Unlock()
				return fleet.ended[cache.IdentityScope(user)]
			}
			try := func(n int) {
				if got := code(attempt(from(t.Context(), fmt.Sprint(n)), r, user)); got != "NotAuthorizedException" {
					t.Errorf("try %d: got %s, want the refusal", n, got)
				}
			}
			r.backend.set(func(b *backend) { b.changes, b.fail = nil, nil })
			for n := range 9 { // what goes well does not count
				if err := attempt(from(t.Context(), fmt.Sprint("well", n)), r, user); err != nil {
					t.Fatal(err)
				}
				r.fence(cache.IdentityScope(user))
			}
			r.backend.refuseAttempts(definite["no such login"])
			begun := fences()
			for n := range 3 {
				try(n)
			}
			before := fences()
			if got, want := before-begun, map[bool]int{false: 3}[vain[name]]; got != want {
				t.Errorf("got %d fences within the limit, want %d", got, want)
			}
			for n := range 5 {
				try(3 + n)
			}
			if got := fences(); got != before {
				t.Errorf("got %d fences beyond the limit, want none", got-before)
			}
			r.backend.set(func(b *backend) { b.changes, b.fail = nil, nil })
			if err := attempt(from(t.Context(), "taken"), r, user); err != nil {
				t.Fatal(err)
			}
			if fences() == before {
				t.Error("a call that the backend took: got nothing ended, want the identity's")
			}
			r.backend.refuseAttempts(definite["no such login"])
			before = fences()
			if try(100); fences() != before {
				t.Error("a call that was taken beyond the limit: got its turn back, which it had not")
			}
		})
	}
}

// An identity has one limit, whoever asks: neither many logins nor one that belonged to it
// once begin more fences.
func TestRefusedFencesOfManyLogins(t *testing.T) {
	for name, token := range map[string]func(n int) string{
		"many":               func(n int) string { return string(rune('m'+n)) + "1" },
		"one of the past":    func(int) string { return "m1" },
		"one of its own":     func(int) string { return "a1" },
		"one not judged":     func(int) string { return "opaque" },
		"one of each, mixed": func(n int) string { return []string{"m1", "a1", "opaque"}[n%3] },
	} {
		t.Run(name, func(t *testing.T) {
			r := limited(t)
			fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
			r.Epochs.ShareWith(fleet)
			r.directory.Owns(pool, idp, "m", user)
			r.directory.Owns(pool, idp, "a", user)
			r.backend.set(func(b *backend) { b.changes = definite["no such login"] })
			for n := range 9 {
				provider := idp
				if token(n) == "opaque" {
					provider = foreign
				}
				if got := code(
					r.unlinks(from(t.Context(), fmt.Sprint(n)), user, map[string]string{provider: token(n)}),
				); got != "NotAuthorizedException" {
					t.Errorf("try %d: got %s, want the refusal", n, got)
				}
			}
			fleet.mu.Lock()
			defer fleet.mu.Unlock()
			if got := fleet.ended[cache.IdentityScope(user)]; got > 3 {
				t.Errorf("got %d fences, want three at most", got)
			}
		})
	}
}

// Whatever others tried, the owner's change ends what rests on it, and what
// went well is counted by nobody's limit. What failed for a passing reason counts by address
// where nobody proved anything, or nobody knows what it did.
func TestRefusalsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := limited(t)
		r.directory.Owns(pool, idp, "a", user)
		for n := range 9 {
			attempts["unlink with a foreign login"](from(t.Context(), fmt.Sprint(n)), r, user)
			attempts["unlink with a login that nobody here can judge"](from(t.Context(), fmt.Sprint(n)), r, user)
		}
		r.backend.set(func(b *backend) { b.changes, b.fail = nil, nil })
		r.want("key1", flows.Miss, flows.CallInfo{})
		if err := r.unlinks(from(t.Context(), "his"), user, map[string]string{idp: "a1"}); err != nil {
			t.Errorf("the owner: got %v, want an answer", err)
		}
		r.want("key2", flows.Miss, flows.CallInfo{})
		for _, outcome := range []error{nil, cognito.TooManyRequests("no")} {
			r.backend.set(func(b *backend) { b.changes = outcome })
			for n := range 9 {
				ctx, both := from(t.Context(), "busy"), map[string]string{idp: "m1", idp2: "m1"}
				_, err := r.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: ptr(nobody0(n)), Logins: both})
				if err = errors.Join(
					err, r.unlinks(ctx, nobody0(n), map[string]string{idp: "m1"}),
				); errors.Is(err, cache.ErrLimited) {
					t.Errorf("after %v: got the limit, want the backend's answer", outcome)
				}
			}
		}
		for name, c := range map[string]struct {
			outcome error
			tokens  map[string]string
		}{
			"without a proof":    {cognito.TooManyRequests("no"), map[string]string{foreign: "x"}},
			"without an outcome": {errors.New("connection reset"), map[string]string{idp: "m1"}},
		} {
			r.backend.set(func(b *backend) { b.changes = c.outcome })
			limits := 0
			for n := range 9 {
				if errors.Is(r.unlinks(from(t.Context(), name), nobody0(n), c.tokens), cache.ErrLimited) {
					limits++
				}
			}
			if limits != 6 {
				t.Errorf("%s: got %d of 9 limited, want all but three", name, limits)
			}
		}
	})
}

// A caller of one pool who names an identity of another holds nobody up: nothing is fenced.
func TestIdentitiesOfOtherPoolsAreNotFenced(t *testing.T) {
	const other = "us-east-1:00000000-0000-4000-8000-000000000002"
	for name, call := range map[string]func(r *rig) error{
		"unlink": func(r *rig) error {
			_, err := r.UnlinkDeveloperIdentity(r.t.Context(), &ci.UnlinkDeveloperIdentityInput{
				IdentityId: ptr(user), IdentityPoolId: ptr(other), DeveloperProviderName: ptr("login.example"),
				DeveloperUserIdentifier: ptr("m")})
			return err
		},
		"token": func(r *rig) error {
			_, err := r.GetOpenIdTokenForDeveloperIdentity(r.t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{
				IdentityId: ptr(user), IdentityPoolId: ptr(other), Logins: map[string]string{"login.example": "m"}})
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.want("key1", flows.Miss, flows.CallInfo{})
			asked := false
			r.backend.set(func(b *backend) {
				b.changes = definite["nobody"]
				b.before = func(string) { asked = true; r.want("key1", flows.Hit, flows.CallInfo{}) }
			})
			if err := call(r); code(err) != "ResourceNotFoundException" || !asked {
				t.Errorf("%s: got %v, want the backend's refusal", name, err)
			}
			r.want("key1", flows.Hit, flows.CallInfo{})
		})
	}
}

// predictingBackend is a backend that tells before what a call would change.
type predictingBackend struct {
	*backend
	effect cognito.Effect
	err    error
}

func (f *predictingBackend) Decide(context.Context, any) (cognito.Effect, error) {
	return f.effect, f.err
}

func (f *predictingBackend) UnlinkIdentity(
	ctx context.Context, in *ci.UnlinkIdentityInput, opts ...func(*ci.Options),
) (*ci.UnlinkIdentityOutput, error) {
	out, err := f.backend.UnlinkIdentity(ctx, in, opts...)
	if err == nil && !f.effect.Changes() {
		cognito.NoteUnchanged(&out.ResultMetadata)
	}
	return out, err
}

// Where the backend tells before, nothing is fenced for what it refuses or what changes
// nothing, so that both are answered without the fleet too; and what it says that changes
// ends, whoever it belongs to.
func TestPredictedRefusals(t *testing.T) {
	changes := cognito.Effect{
		Pool: pool, Identities: []string{user}, Logins: []cognito.Login{{Provider: idp2, Subject: "z"}},
	}
	for name, attempt := range attempts {
		for what, c := range map[string]struct {
			predictingBackend
			want  string // without the fleet
			fence bool
		}{
			"refused":         {predictingBackend{err: definite["no such login"]}, "NotAuthorizedException", false},
			"changes nothing": {predictingBackend{}, "", false},
			"changes":         {predictingBackend{effect: changes}, cognito.CodeInternal, true},
		} {
			if what == "changes nothing" && name == "a developer's grant" {
				continue // its answer ends what there was for the identity, whatever it changed
			}
			t.Run(name+", "+what, func(t *testing.T) {
				r := newRig(t)
				backend := c.predictingBackend
				backend.backend = r.backend
				if what == "refused" {
					r.backend.refuseAttempts(c.err)
				}
				r.Next = &backend
				fleet := &unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}}
				r.Epochs.ShareWith(fleet)
				err := attempt(t.Context(), r, stranger)
				if got := code(err); got != c.want {
					t.Errorf("without the fleet: got %q (%v), want %q", got, err, c.want)
				}
				fleet.set(false)
				attempt(t.Context(), r, stranger)
				fleet.mu.Lock()
				defer fleet.mu.Unlock()
				for _, scope := range []cache.Scope{
					cache.IdentityScope(user), cache.LoginScope(idp2, "z"), cache.UserScope(pool, idp2, "z"),
				} {
					if got := fleet.ended[scope] > 0; got != c.fence {
						t.Errorf("fenced %q: got %v, want %v", scope, got, c.fence)
					}
				}
			})
		}
	}
}

// Where a prediction fails for a passing reason that the call would fail for too, nothing is asked of the
// backend, and nothing fenced.
func TestPredictionsThatPass(t *testing.T) {
	for name, attempt := range attempts {
		r := newRig(t)
		r.Next = &predictingBackend{backend: r.backend, err: cognito.TooManyRequests(cognito.MsgRateExceeded)}
		fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
		r.Epochs.ShareWith(fleet)
		r.backend.set(func(b *backend) {
			b.before = func(call string) { t.Errorf("%s: the backend was asked: %s", name, call) }
		})
		if err := attempt(t.Context(), r, stranger); code(err) != "TooManyRequestsException" {
			t.Errorf("%s: got %v, want the reason", name, err)
		}
		if len(fleet.ended) != 0 {
			t.Errorf("%s: got %d scopes fenced, want none", name, len(fleet.ended))
		}
	}
}

// What is predicted to change something is fenced however often it was refused, and so is what
// cannot be predicted, for the prediction failed.
func TestPredictedChangesAreFenced(t *testing.T) {
	for name, f := range map[string]predictingBackend{
		"it changes something": {effect: cognito.Effect{Pool: pool, Identities: []string{user}}},
		"a fault of telling":   {err: cognito.Internal()},
	} {
		r := limited(t)
		r.BeginBriefFencesAnyTime()
		f.backend = r.backend
		r.Next = &f
		fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
		r.Epochs.ShareWith(fleet)
		tries := 0
		r.backend.set(func(b *backend) {
			b.before = func(string) {
				fleet.mu.Lock()
				defer fleet.mu.Unlock()
				if fleet.ended[cache.IdentityScope(user)] != tries {
					t.Errorf("%s, try %d: got %d fences", name, tries, fleet.ended[cache.IdentityScope(user)])
				}
			}
		})
		limit := map[bool]int{true: 9, false: 3}[f.err == nil]
		for tries = 1; tries <= limit; tries++ {
			if err := r.unlinks(
				from(t.Context(), fmt.Sprint(tries)), user, map[string]string{idp: "m1"},
			); code(err) != "NotAuthorizedException" {
				t.Errorf("%s: got %v, want the refusal", name, err)
			}
		}
	}
}
