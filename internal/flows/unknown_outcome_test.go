package flows_test

import (
	"context"
	"testing"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// A change of an identity that was not answered may be made yet: until that is out of
// the question, no broker keeps what is brought for the identity meanwhile.
func TestUnansweredChangeKeepsItsFence(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	one, two := c.join(), c.join()
	one.want("key1", flows.Miss, flows.CallInfo{})
	two.want("key1", flows.Hit, flows.CallInfo{})
	c.backend.set(func(b *backend) { b.changes = cognito.Internal() })
	unlink := &ci.UnlinkIdentityInput{
		IdentityId: ptr(user), Logins: map[string]string{idp: "a1"}, LoginsToRemove: []string{idp},
	}
	if _, err := one.UnlinkIdentity(t.Context(), unlink); code(err) != "InternalErrorException" {
		t.Fatalf("the change: got %v, want InternalErrorException", err)
	}
	two.want("key2", flows.Miss, flows.CallInfo{})
	one.want("key3", flows.Miss, flows.CallInfo{})
	two.want("key4", flows.Miss, flows.CallInfo{})
}

// So does one beyond the limit of the identity's refusals, around which there was none, if it is of
// somebody with a login of the identity. A stranger's ends nothing yet, for nobody was told of a
// change; it ends what is cached in all brokers when it cannot be made any more, also where the broker
// that made it has died.
func TestUnansweredChangeBeyondTheLimit(t *testing.T) {
	t.Parallel()
	for name, owner := range map[string]bool{"of the identity's own user": true, "of a stranger": false} {
		t.Run(name, func(t *testing.T) {
			c := newTestFleet(t)
			limit, err := cache.NewAllowance(6, 3, 100, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(limit.Close)
			one, two := c.join(func(f *flows.Config) { f.Refusals.Identities = limit }), c.join()
			one.want("key1", flows.Miss, flows.CallInfo{})
			tokens := map[string]string{idp: map[bool]string{true: "a1", false: "m1"}[owner]}
			c.backend.set(func(b *backend) { b.changes = definite["no such login"] })
			for range 4 {
				if err := one.unlinks(t.Context(), user, tokens); code(err) != "NotAuthorizedException" {
					t.Fatalf("got %v, want the refusal", err)
				}
			}
			one.want("key1", flows.Hit, flows.CallInfo{})
			c.backend.set(func(b *backend) { b.changes = cognito.Internal() })
			if err := one.unlinks(t.Context(), user, tokens); code(err) != "InternalErrorException" {
				t.Fatalf("the change: got %v, want InternalErrorException", err)
			}
			if owner {
				two.want("key2", flows.Miss, flows.CallInfo{})
				one.want("key3", flows.Miss, flows.CallInfo{})
				two.want("key4", flows.Miss, flows.CallInfo{})
				return
			}
			two.want("key1", flows.Hit, flows.CallInfo{})
			one.want("key1", flows.Hit, flows.CallInfo{})
			two.TakeOverDeferredEnds(t.Context())
			waitUntil(t, "the end", func() bool { return two.PendingFences().Deferred == 0 })
			two.wantOutcome(flows.Miss)
			two.wantOutcome(flows.Hit)
			asked := c.backend.exchanges.Load()
			two.TakeOverDeferredEnds(t.Context())
			waitUntil(t, "the end", func() bool { return two.PendingFences().Deferred == 0 })
			if got := c.backend.exchanges.Load(); got != asked {
				t.Errorf("got %d more calls, want nothing to end again", got-asked)
			}
		})
	}
}

// Of a call of two steps the first made the change where the second fails: what it outdated ends, and
// nothing stays pending.
func TestFirstStepsAreChanges(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	named := map[string]string{pool: "login.example"}
	one, two := c.join(func(f *flows.Config) { f.DeveloperNames = named }), c.join()
	one.want("key1", flows.Miss, flows.CallInfo{})
	c.backend.refuse(tokenOf(pool, user, "authenticated"), cognito.Internal())
	_, err := one.DeveloperGrant(t.Context(), flows.DeveloperRequest{Pool: pool, User: "m", IdentityID: user})
	if code(err) != "InternalErrorException" {
		t.Fatalf("got %v, want the second step's failure", err)
	}
	two.want("key3", flows.Miss, flows.CallInfo{})
	one.want("key3", flows.Hit, flows.CallInfo{})
}

// movingOwners is a fleet in which each login is changed just before its owner is noted.
type movingOwners struct{ flows.Shared }

func (s movingOwners) AddOwner(ctx context.Context, login cache.Scope, pool, id string) (cache.Epoch, error) {
	_, err := s.Shared.AddOwner(ctx, login, pool, id)
	return cache.Epoch{1}, err
}

// What a call brought for a login that was changed meanwhile, in a way that this broker
// has not heard of, is not kept: the change may not have known whose the login is.
func TestOwnersThatAreToldTooLate(t *testing.T) {
	c := newTestFleet(t)
	m := c.join(func(f *flows.Config) { f.Shared = movingOwners{f.Shared} })
	m.want("key1", flows.Miss, flows.CallInfo{})
	m.want("key2", flows.Miss, flows.CallInfo{})
	other := c.join()
	other.want("key3", flows.Miss, flows.CallInfo{})
	other.want("key3", flows.Hit, flows.CallInfo{})
}
