package contract

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

type lookupInput = cognitoidentity.LookupDeveloperIdentityInput

// lookup brings "<identity> <users>".
func lookup(s *scene, change func(in *lookupInput)) (found string, next *string) {
	s.Helper()
	in := &lookupInput{IdentityPoolId: &s.Pools.Open}
	change(in)
	out, refusal := ask(s, s.API.LookupDeveloperIdentity, in)
	if refusal != "" {
		return refusal, nil
	}
	return aws.ToString(out.IdentityId) + " " + fmt.Sprint(out.DeveloperUserIdentifierList), out.NextToken
}

// lookupDevelopers tests docs/cognito.md#lookup.
func lookupDevelopers(s *scene) {
	alice, public := s.someone(), s.someone()
	id := s.asUser(alice, "", s.login(public))
	by := func(user, id string) string {
		found, _ := lookup(s, func(in *lookupInput) {
			if user != "" {
				in.DeveloperUserIdentifier = &user
			}
			if id != "" {
				in.IdentityId = &id
			}
		})
		return found
	}
	s.equal("by the user", by(alice, ""), id+" ["+alice+"]")
	s.equal("by the identity", by("", id), id+" ["+alice+"]")
	s.equal("by both", by(alice, id), id+" ["+alice+"]")
	guest := s.guest()
	s.equal("an identity without users", by("", guest), guest+" []")
	s.refused("an unknown user", by(s.someone(), ""), notFound)
	s.equal("an unknown identity", by("", s.unknown()), noIdentity(s.unknown()))
	s.refused("two that do not belong together", by(alice, guest), conflict)
	s.refused("an unknown user of an identity", by(s.someone(), id), conflict)
	s.refused("nothing", by("", ""), invalid)
	s.refused("a public user", by(public, ""), notFound)
	foreign := s.identity(s.Pools.Closed, s.login(public))
	s.equal("an identity of another pool", by("", foreign), noIdentity(foreign))
	unknown := s.unknown()
	found, _ := lookup(s, func(in *lookupInput) { in.IdentityPoolId, in.DeveloperUserIdentifier = &unknown, &alice })
	s.equal("an unknown pool", found, noPool(unknown))

	users := []string{alice}
	for range 4 { // each joins beside a login of the identity
		user := s.someone()
		s.equal("another user of it", s.asUser(user, id, s.login(public)), id)
		users = append(users, user)
	}
	var got []string
	var token *string
	for range 10 {
		out, refusal := ask(s, s.API.LookupDeveloperIdentity, &lookupInput{
			IdentityPoolId: &s.Pools.Open, IdentityId: &id, MaxResults: aws.Int32(2), NextToken: token,
		})
		s.must("LookupDeveloperIdentity", refusal)
		if got = append(got, out.DeveloperUserIdentifierList...); out.NextToken == nil {
			break
		}
		token = out.NextToken
	}
	s.equal("all pages", names(got), names(users))
	foundBy, _ := lookup(s, func(in *lookupInput) { in.IdentityId, in.NextToken = &guest, token })
	s.refused("another identity's token", foundBy, invalid)
}

// mergedIn brings the surviving identity.
func mergedIn(s *scene, pool, provider, source, destination string) string {
	s.Helper()
	out, refusal := ask(s, s.API.MergeDeveloperIdentities, &cognitoidentity.MergeDeveloperIdentitiesInput{
		IdentityPoolId: &pool, DeveloperProviderName: &provider, SourceUserIdentifier: &source,
		DestinationUserIdentifier: &destination,
	})
	if refusal != "" {
		return refusal
	}
	return aws.ToString(out.IdentityId)
}

// mergeDevelopers tests docs/cognito.md#merging: the destination survives.
func mergeDevelopers(s *scene) {
	open, alice, bob := s.Pools.Open, s.someone(), s.someone()
	merged := func(source, destination string) string {
		return mergedIn(s, open, DeveloperProvider, source, destination)
	}
	from, to := s.asUser(alice, "", s.login(alice)), s.asUser(bob, "", s.loginAt(1, bob))
	s.must("GetCredentialsForIdentity", refusalOf(s.credentials(from, s.login(alice))))
	s.equal("two users", merged(alice, bob), to)
	s.equal("either user", s.asUser(alice, "")+" "+s.asUser(bob, ""), to+" "+to)
	s.equal("a public login of the source", s.id(open, s.login(alice)), to)
	s.equal("the source", s.credentials(from, nil), forbidden(from))
	s.equal("the source with its login", s.credentials(from, s.login(alice)), to+" as "+Authenticated)
	s.equal("its names", s.linked(from), "[]")
	s.equal("once more", merged(alice, bob), to)
	s.equal("the other way round", merged(bob, alice), to)

	s.refused("with himself", merged(alice, alice), invalid)
	s.refused("an unknown source", merged(s.someone(), bob), notFound)
	s.refused("an unknown destination", merged(alice, s.someone()), notFound)
	s.equal("another provider", mergedIn(s, open, "other.example", alice, bob), noDeveloper)
	s.equal("a pool without developers", mergedIn(s, s.Pools.Bare, DeveloperProvider, alice, bob), noDeveloper)
	s.equal("an unknown pool", mergedIn(s, s.unknown(), DeveloperProvider, alice, bob), noPool(s.unknown()))
	carol := s.someone()
	other := s.asUser(carol, "", s.login(carol))
	s.equal("both with a user of one provider", merged(carol, alice), merge)
	s.equal("changes nobody", s.asUser(carol, ""), other)

	dave := s.someone() // up to twenty logins
	last := s.asUser(dave, "", s.loginAt(1, dave))
	for range 15 {
		s.equal("another user of it", s.asUser(s.someone(), last, s.loginAt(1, dave)), last)
	}
	for range 3 {
		user := s.someone()
		s.must("a user to merge", refusalOf(s.asUser(user, "")))
		s.equal("up to twenty logins", merged(user, dave), last)
	}
	user := s.someone()
	alone := s.asUser(user, "")
	s.equal("one more", merged(user, dave), merge)
	s.equal("stays whom he was", s.asUser(user, ""), alone)
}

// unlinkedUser brings nothing.
func unlinkedUser(s *scene, pool, provider, id, user string) string {
	s.Helper()
	_, refusal := ask(s, s.API.UnlinkDeveloperIdentity, &cognitoidentity.UnlinkDeveloperIdentityInput{
		IdentityPoolId: &pool, DeveloperProviderName: &provider, IdentityId: &id, DeveloperUserIdentifier: &user,
	})
	return refusal
}

// unlinkDevelopers tests docs/cognito.md#unlinking for backends' users.
func unlinkDevelopers(s *scene) {
	open, alice, bob := s.Pools.Open, s.someone(), s.someone()
	unlinked := func(id, user string) string { return unlinkedUser(s, open, DeveloperProvider, id, user) }
	id, token := s.developer(func(in *developerInput) { in.Logins = with(user(alice), s.login(alice)) })
	s.equal("before", s.credentials(id, pass(token)), id+" as "+Authenticated)
	s.refused("an unknown user", unlinked(id, bob), notFound)
	other := s.asUser(bob, "")
	s.refused("another's user", unlinked(id, bob), conflict)
	s.equal("another provider", unlinkedUser(s, open, "other.example", id, alice), noDeveloper)
	s.equal("an unknown pool", unlinkedUser(s, s.unknown(), DeveloperProvider, id, alice), noPool(s.unknown()))
	s.equal("an unknown identity", unlinked(s.unknown(), alice), noIdentity(s.unknown()))
	s.equal("an identity of another pool", unlinkedUser(s, s.Pools.Closed, DeveloperProvider, id, alice), noIdentity(id))
	s.equal("beside a public login", unlinked(id, alice), "")
	s.equal("what is left", s.linked(id), "["+s.Providers[0].Name()+"]")
	s.refused("his token", s.credentials(id, pass(token)), notAuthorized)
	s.equal("his token at STS", s.assume(Authenticated, token), notTrusted)
	s.equal("the public login", s.credentials(id, s.login(alice)), id+" as "+Authenticated)
	if again := s.asUser(alice, ""); again == id {
		s.Error("the user: got the old identity, want a new one")
	}
	s.equal("the last login", unlinked(other, bob), "")
	s.equal("is for good", s.credentials(other, nil), forbidden(other))
	s.equal("nothing is left", s.linked(other), "[]")
	if again := s.asUser(bob, ""); again == other {
		s.Error("the user after his identity was disabled: got the old identity, want a new one")
	}
}
