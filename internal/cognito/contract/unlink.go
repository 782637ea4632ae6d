package contract

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// unlinkProof tests docs/cognito.md#unlinking: who may take a login away, and which.
func unlinkProof(s *scene) {
	alice, bob, open := s.someone(), s.someone(), s.Pools.Open
	first, second := s.Providers[0].Name(), s.Providers[1].Name()
	id := s.identity(open, s.both(alice, alice))
	all := names([]string{first, second})
	s.identity(open, s.login(bob))
	s.equal("no proof", s.unlink(id, map[string]string{}, first), forbidden(id))
	s.equal("a user of nobody", s.unlink(id, s.login(s.someone()), first), mismatch)
	s.equal("a user of another", s.unlink(id, s.login(bob), first), mismatch)
	s.equal("one's own and another's", s.unlink(id, s.both(bob, alice), second), merge)
	s.equal("one good, one bad", s.unlink(id, with(s.login(alice), map[string]string{second: "x"}), second), malformed)
	s.equal("a bad token", s.unlink(id, map[string]string{first: altered(s.Providers[0].Token(nil))}, first), unverified)
	s.equal("a guest", s.unlink(s.guest(), s.login(alice), first), mismatch)
	s.equal("a name that is not linked", s.unlink(id, s.login(alice), "idp.example"), "")
	s.equal("no names", s.unlink(id, s.login(alice), []string{}...), "")
	s.equal("all that changed nothing", s.linked(id), all)

	s.equal("a backend's user beside a login", s.asUser(alice, id, s.login(alice)), id)
	s.refused("the developer's name", s.unlink(id, s.login(alice), DeveloperProvider), invalid)
	s.refused("the developer's name beside another", s.unlink(id, s.login(alice), second, DeveloperProvider), invalid)
	s.equal("and nothing is taken", s.linked(id), names([]string{first, second, DeveloperProvider}))
	s.equal("one that is linked, one that is not", s.unlink(id, s.login(alice), "idp.example", second), "")
	s.equal("what is left", s.linked(id), names([]string{first, DeveloperProvider}))
	s.equal("all public logins", s.unlink(id, s.login(alice), first, first), "")
	s.equal("the backend's user is left", s.asUser(alice, ""), id)
}

// unlinkConsequences tests docs/cognito.md#states and #unlinking: an unlinked login is new,
// and an identity without logins is nobody's for good.
func unlinkConsequences(s *scene) {
	alice, open := s.someone(), s.Pools.Open
	first, second := s.Providers[0].Name(), s.Providers[1].Name()
	id := s.identity(open, s.both(alice, alice))
	s.equal("by the other login", s.unlink(id, s.loginAt(1, alice), first), "")
	s.equal("what is left", s.linked(id), "["+second+"]")
	s.equal("the one that is left", s.credentials(id, s.loginAt(1, alice)), id+" as "+Authenticated)
	s.equal("the one that went", s.credentials(id, s.login(alice)), mismatch)
	again := s.identity(open, s.login(alice))
	if again == id {
		s.Error("the one that went: got the old identity, want a new one")
	}
	s.equal("the way back", s.credentials(id, s.both(alice, alice)), id+" as "+Authenticated)
	s.equal("is a merge", s.linked(again), "[]")

	s.equal("one of two", s.unlink(id, s.loginAt(1, alice), first), "")
	s.equal("the last login", s.unlink(id, s.loginAt(1, alice), second), "")
	s.equal("nothing is left", s.linked(id), "[]")
	for _, logins := range []map[string]string{nil, s.login(alice), s.loginAt(1, alice), s.login(s.someone())} {
		s.equal("credentials of a disabled identity", s.credentials(id, logins), forbidden(id))
		_, _, refusal := s.openIDToken(id, logins)
		s.equal("a token of a disabled identity", refusal, forbidden(id))
	}
	s.equal("unlinking from a disabled identity", s.unlink(id, s.loginAt(1, alice), second), forbidden(id))
	if last := s.identity(open, s.loginAt(1, alice)); last == id || last == again {
		s.Error("a login after its identity was disabled: got an old identity, want a new one")
	}
	s.equal("still", s.credentials(id, s.loginAt(1, alice)), forbidden(id))
}

// describeIdentity tests docs/cognito.md#administering-identities: names without users, and
// dates.
func describeIdentity(s *scene) {
	alice := s.someone()
	id := s.guest()
	describe := func(what string, want ...string) *cognitoidentity.DescribeIdentityOutput {
		s.Helper()
		out, refusal := ask(s, s.API.DescribeIdentity, &cognitoidentity.DescribeIdentityInput{IdentityId: &id})
		s.must(what, refusal)
		if aws.ToString(out.IdentityId) != id || out.CreationDate == nil || out.LastModifiedDate == nil {
			s.Fatalf("%s: got %s, want the identity with both dates", what, spellJSON(s, out))
		}
		s.equal(what, spellJSON(s, append([]string{}, out.Logins...)), spellJSON(s, append([]string{}, want...)))
		return out
	}
	made := describe("a guest")
	if age := time.Since(*made.CreationDate); age < -time.Second || age > time.Minute ||
		!made.CreationDate.Equal(*made.LastModifiedDate) {
		s.Errorf("a guest: got dates %v and %v, want now, twice", made.CreationDate, made.LastModifiedDate)
	}
	s.must("GetCredentialsForIdentity", refusalOf(s.credentials(id, s.login(alice))))
	linked := describe("a user", s.Providers[0].Name())
	if !linked.CreationDate.Equal(*made.CreationDate) || linked.LastModifiedDate.Before(*made.LastModifiedDate) {
		s.Errorf("a user: got dates %v and %v after %v, want the first as it was and the second no earlier",
			linked.CreationDate, linked.LastModifiedDate, made.CreationDate)
	}
	s.must("GetCredentialsForIdentity", refusalOf(s.credentials(id, s.both(alice, alice))))
	s.equal("a backend's user beside a login", s.asUser(alice, id, s.login(alice)), id)
	all := []string{s.Providers[0].Name(), s.Providers[1].Name(), DeveloperProvider}
	describe("all names", sorted(all)...)
}
