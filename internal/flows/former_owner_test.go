package flows_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/flows"
)

// other is an identity that a merge ends.
const other = "us-east-1:22222222-2222-4222-8222-222222222222"

// forgetful is a directory as a broker in front of Cognito has it: it forgets former owners.
func forgetful(t *testing.T) *upstream.Directory {
	t.Helper()
	b, err := upstream.New(upstream.Config{Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	d := b.Directory()
	d.Owns(pool, idp, "a", user)
	d.Owns(pool, idp2, "b", other)
	d.Owns(pool, userPool, "c", other)
	return d
}

var (
	mergesOther = map[string]string{idp: "a", idp2: "b"}
	ofOther     = map[string]string{userPool: "c"}
)

// useUp has a stranger use up the user's limit of refusals.
func useUp(t *testing.T, r *rig) {
	t.Helper()
	limit, err := cache.NewAllowance(1, 1, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(limit.Close)
	r.Refusals.Identities = limit
	r.backend.refuseAttempts(definite["no such login"])
	for n := range 3 {
		_ = r.unlinks(from(t.Context(), fmt.Sprint("mallory", n)), user, map[string]string{foreign: "opaque"})
	}
	r.backend.set(func(b *backend) { b.changes, b.fail = nil, nil })
}

// A merge ends what there is of the identity that it ended, although the answer itself makes the broker
// forget whose the login was, and although strangers used up the limit of refusals.
func TestMergesEndFormerOwners(t *testing.T) {
	for _, after := range []time.Duration{0, 11 * time.Minute} {
		for _, usedUp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v after it was met, limit used up: %v", after, usedUp), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.Service.Directory = forgetful(t)
					if _, err := r.askAll(other, ofOther); err != nil {
						t.Fatal(err)
					}
					time.Sleep(after)
					info := flows.CallInfo{}
					if _, err := r.askWith(&info, other, ofOther); err != nil || info.Outcome != flows.Hit {
						t.Fatalf("before: got %s %v, want a hit", info.Outcome, err)
					}
					if usedUp {
						useUp(t, r)
						time.Sleep(time.Second)
					}
					if _, err := r.askAll(user, mergesOther); err != nil {
						t.Fatal(err)
					}
					info = flows.CallInfo{}
					if _, err := r.askWith(&info, other, ofOther); err != nil || info.Outcome != flows.Miss {
						t.Errorf("after: got %s %v, want a miss", info.Outcome, err)
					}
				})
			})
		}
	}
}

// Nor is what there is of him kept while such a merge of unknown outcome may come yet, where an answer
// made the broker forget him meanwhile.
func TestMergesOfUnknownOutcomeKeepNothingOfFormerOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		d := forgetful(t)
		r.Service.Directory = d
		ask := func(want flows.Outcome) {
			t.Helper()
			info := flows.CallInfo{}
			if _, err := r.askWith(&info, other, ofOther); err != nil || info.Outcome != want {
				t.Errorf("got %s %v, want a %s", info.Outcome, err, want)
			}
		}
		ask(flows.Miss)
		time.Sleep(11 * time.Minute)
		useUp(t, r)
		ask(flows.Hit)
		r.backend.set(func(b *backend) {
			b.fail = func(token string) error {
				if strings.HasPrefix(token, "c") {
					return nil
				}
				d.Owns(pool, idp2, "b", user) // as another call was answered
				return cognito.Internal()
			}
		})
		if _, err := r.askAll(user, mergesOther); code(err) != "InternalErrorException" {
			t.Fatalf("the merge: got %v, want no answer", err)
		}
		ask(flows.Miss)
		ask(flows.Miss)
	})
}

// So it does where Redis is cut off while the backend makes it: the fleet is told later.
func TestMergesEndFormerOwnersWithoutTheFleet(t *testing.T) {
	t.Parallel()
	f := newTestFleet(t)
	d := forgetful(t)
	set := func(c *flows.Config) { c.Directory = d }
	one, two := f.join(set), f.join(set)
	if _, err := two.askAll(other, ofOther); err != nil {
		t.Fatal(err)
	}
	useUp(t, one.rig)
	f.backend.set(func(b *backend) { b.fail = func(string) error { one.way.Cut(); return nil } })
	if _, err := one.askAll(user, mergesOther); err == nil {
		t.Fatal("the merge: got an answer, want none while the fleet does not know of it")
	}
	f.backend.set(func(b *backend) { b.fail = nil })
	one.way.Restore()
	waitUntil(t, "the end", func() bool { return one.PendingFences().Owed == 0 })
	info := flows.CallInfo{}
	if _, err := two.askWith(&info, other, ofOther); err != nil || info.Outcome != flows.Miss {
		t.Errorf("after: got %s %v, want a miss", info.Outcome, err)
	}
}

// A broker that dies within a stranger's call, or loses Redis, leaves its end to the others: they know
// of it before the call is made.
func TestCallsThatEndWithTheirBroker(t *testing.T) {
	t.Parallel()
	for name, tokens := range map[string]map[string]string{
		"of the user, the limit used up":      {idp: "a1"},
		"of a login that nobody can judge":    {foreign: "opaque"},
		"of a login that may be a stranger's": {idp: "m1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTestFleet(t)
			f.directory.Owns(pool, idp, "a", user)
			one, two := f.join(), f.join()
			useUp(t, one.rig)
			two.want("key1", flows.Miss, flows.CallInfo{})
			f.backend.set(func(b *backend) {
				b.changes = cognito.Internal()
				b.before = func(string) { one.way.Cut() }
			})
			if err := one.unlinks(t.Context(), user, tokens); code(err) != "InternalErrorException" {
				t.Fatalf("the call: got %v, want no answer", err)
			}
			f.backend.set(func(b *backend) { b.changes, b.before = nil, nil })
			two.want("key1", flows.Hit, flows.CallInfo{})
			two.TakeOverDeferredEnds(t.Context())
			waitUntil(t, "the end", func() bool { return two.PendingFences().Deferred == 0 })
			two.wantOutcome(flows.Miss)
			one.way.Restore()
		})
	}
}

// halfDeleted says of identities that nobody knows whether they were deleted.
type halfDeleted struct{ *backend }

func (halfDeleted) DeleteIdentities(
	_ context.Context, in *ci.DeleteIdentitiesInput, _ ...func(*ci.Options),
) (*ci.DeleteIdentitiesOutput, error) {
	return &ci.DeleteIdentitiesOutput{UnprocessedIdentityIds: []types.UnprocessedIdentityId{
		{IdentityId: ptr(in.IdentityIdsToDelete[0]), ErrorCode: types.ErrorCodeInternalServerError},
	}}, nil
}

// An identity of which nobody knows whether it was deleted is not cached until that cannot happen any
// more, whatever became of the others.
func TestDeletionsOfUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.Next = halfDeleted{r.backend}
		in := &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{user, other}}
		out, err := r.DeleteIdentities(t.Context(), in)
		if err != nil || len(out.UnprocessedIdentityIds) != 1 {
			t.Fatalf("got %v %v, want one that was not processed", out, err)
		}
		r.want("key2", flows.Miss, flows.CallInfo{})
		r.want("key3", flows.Miss, flows.CallInfo{})
		time.Sleep(26 * time.Second)
		r.want("key4", flows.Miss, flows.CallInfo{})
		r.want("key4", flows.Hit, flows.CallInfo{})
	})
}
