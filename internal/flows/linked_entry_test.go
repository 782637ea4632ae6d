package flows_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// What an exchange brought that may link a login rests on the identity, the login and the pool's
// settings: a change of any of them ends it.
func TestLinkedEntriesRestOnAll(t *testing.T) {
	for _, scope := range []cache.Scope{
		cache.IdentityScope(user), cache.LoginScope(idp, "a"), cache.CredentialsScope(pool),
	} {
		r := newRig(t)
		r.directory.guests.Store(user, true)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.want("key1", flows.Hit, flows.CallInfo{})
		r.fence(scope)
		r.want("key2", flows.Miss, flows.CallInfo{})
	}
}

// A GetId with several logins may link them: there is a fence around it, and what there was for its
// identity ends.
func TestGetIDOfSeveralLogins(t *testing.T) {
	r := newRig(t)
	fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
	r.Epochs.ShareWith(fleet)
	asked := false
	r.backend.set(func(b *backend) {
		b.within = func() {
			asked = true
			for _, login := range []cache.Scope{cache.LoginScope(idp, "a"), cache.LoginScope(idp2, "b")} {
				if fleet.ended[login] != 1 {
					t.Errorf("within the call: got %d fences of %q, want one", fleet.ended[login], login)
				}
			}
		}
	})
	id, _, err := r.getID(map[string]string{idp: "a1", idp2: "b1"})
	if err != nil || !asked {
		t.Fatalf("got %v, asked %v", err, asked)
	}
	if fleet.ended[cache.IdentityScope(id)] == 0 {
		t.Error("got what there is for the identity kept, want it ended")
	}
}
