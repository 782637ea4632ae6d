package contract

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// developerTable tests the table of docs/cognito.md#developer-users.
func developerTable(s *scene) {
	open, alice, bob := s.Pools.Open, s.someone(), s.someone()
	id := s.asUser(alice, "")
	s.must("an unknown user", refusalOf(id))
	s.equal("a known user", s.asUser(alice, ""), id)
	if s.asUser(bob, "") == id {
		s.Error("another user: got the same identity")
	}
	s.equal("a new identity is no guest's", s.credentials(id, nil), forbidden(id))
	s.equal("with his identity", s.asUser(alice, id), id)
	bad := map[string]string{s.Providers[0].Name(): "x"}
	s.equal("an unknown identity, before a bad token", s.asUser(alice, s.unknown(), bad), noIdentity(s.unknown()))
	s.equal("a bad token", s.asUser(alice, id, bad), malformed)

	guest, carol := s.guest(), s.someone()
	s.equal("an unknown user with a guest", s.asUser(carol, guest), guest)
	s.equal("the guest is a user now", s.credentials(guest, nil), forbidden(guest))
	s.equal("and known", s.asUser(carol, ""), guest)
	s.refused("a user with another's identity", s.asUser(alice, guest), taken)
	s.refused("a user with another guest", s.asUser(alice, s.guest()), taken)

	dave, public := s.someone(), s.someone()
	known := s.identity(open, s.login(public))
	s.equal("a public user's identity without proof", s.asUser(dave, known), mismatch)
	s.equal("with another's proof", s.asUser(dave, known, s.login(s.someone())), mismatch)
	s.equal("with proof", s.asUser(dave, known, s.login(public)), known)
	s.equal("from then on", s.asUser(dave, ""), known)
	s.equal("the names", s.linked(known), names([]string{DeveloperProvider, s.Providers[0].Name()}))
	s.equal("a public login beside a known user", s.asUser(dave, "", s.loginAt(1, public)), known)
	s.equal("is linked", s.id(open, s.loginAt(1, public)), known)
	s.equal("a second login of a provider", s.asUser(dave, "", s.login(s.someone())), merge)
	s.equal("a public login of another", s.asUser(alice, "", s.login(public)), id)
	s.equal("merges: his user is mine", s.asUser(dave, ""), id)
	s.equal("his public logins too", s.id(open, s.loginAt(1, public)), id)
	s.equal("his identity is no more", s.credentials(known, nil), forbidden(known))
	s.equal("his identity, from a client that keeps it", s.asUser(dave, known), id)
	gina, hers := s.someone(), s.someone()
	s.identity(open, s.login(hers))
	own := s.asUser(gina, "")
	s.equal("with his identity and a public login of another", s.asUser(gina, own, s.login(hers)), own)
	s.equal("merges too", s.id(open, s.login(hers)), own)
	hank := s.someone()
	theirs := s.identity(open, s.login(hank))
	visitor := s.guest()
	s.equal("an unknown user, a guest and a known login", s.asUser(hank, visitor, s.login(hank)), theirs)
	s.equal("the guest is no more", s.credentials(visitor, nil), forbidden(visitor))

	erin, both := s.someone(), s.someone()
	id = s.asUser(erin, "", s.both(both, both))
	s.equal("all new: the user", s.asUser(erin, ""), id)
	s.equal("all new: a public login", s.id(open, s.loginAt(1, both)), id)
	frank := s.someone()
	known = s.identity(open, s.login(frank))
	s.equal("an unknown user beside a known login", s.asUser(frank, "", s.login(frank)), known)
}

func developerRefusals(s *scene) {
	call := func(pool string, logins map[string]string) string {
		answer, _ := s.developer(func(in *developerInput) { in.IdentityPoolId = &pool; in.Logins = logins })
		return refusalOf(answer)
	}
	open, alice := s.Pools.Open, s.someone()
	s.equal("an unknown developer provider", call(open, map[string]string{"other.example": alice}), noDeveloper)
	s.equal("a public login alone", call(open, s.login(alice)), noDeveloper)
	s.equal("no logins", call(open, map[string]string{}), noDeveloper)
	s.equal("a pool without developers", call(s.Pools.Bare, user(alice)), noDeveloper)
	s.equal("an unknown pool", call(s.unknown(), user(alice)), noPool(s.unknown()))
	s.refused("two developer providers", call(open, with(user(alice), map[string]string{"other.example": alice})),
		notAuthorized)
	s.equal("our own token beside him", call(open, with(user(alice), pass("x"))), cognitoToken)
	s.equal("a bad public token", call(open, with(user(alice), map[string]string{s.Providers[0].Name(): "x"})), malformed)
	s.equal("the longest identifier", call(open, user(strings.Repeat("é", 1023)+"x")), "")
	s.refused("one too long", call(open, user(strings.Repeat("é", 1025))), invalid)

	bob := s.someone()
	foreign := s.identity(s.Pools.Closed, s.login(bob))
	s.equal("an identity of another pool", s.asUser(alice, foreign), noIdentity(foreign))
	s.equal("with proof", s.asUser(alice, foreign, s.login(bob)), noIdentity(foreign))
	gone := s.identity(open, s.login(bob))
	s.must("UnlinkIdentity", s.unlink(gone, s.login(bob), s.Providers[0].Name()))
	s.equal("a disabled identity", s.asUser(alice, gone), forbidden(gone))
	s.equal("after all that he is new", s.linked(s.asUser(alice, "")), "["+DeveloperProvider+"]")
}

// developerTokens tests docs/cognito.md#developer-users and #the-openid-token for what the
// call brings.
func developerTokens(s *scene) {
	alice, bob := s.someone(), s.someone()
	for _, pool := range []string{s.Pools.Open, s.Pools.Closed} {
		id, token := s.developer(func(in *developerInput) { in.IdentityPoolId, in.Logins = &pool, user(alice) })
		claim(s, "a life by default", token, 900, ofUser(s, pool, id, ofDeveloper(pool, alice)...))
		id, token = s.developer(func(in *developerInput) {
			in.IdentityPoolId, in.Logins, in.TokenDuration = &pool, user(alice), aws.Int64(86400)
		})
		claim(s, "the longest life", token, 86400, ofUser(s, pool, id, ofDeveloper(pool, alice)...))
	}
	logins := append(ofDeveloper(s.Pools.Open, bob), s.oidc(0, bob)...)
	tags := map[string]string{"department": "sales + more", "größe": "1"}
	id, token := s.developer(func(in *developerInput) {
		in.Logins, in.PrincipalTags, in.TokenDuration = with(user(bob), s.login(bob)), tags, aws.Int64(60)
	})
	want := ofUser(s, s.Pools.Open, id, logins...)
	stated := map[string][]string{"department": {"sales + more"}, "größe": {"1"}}
	want[claimTags] = map[string]any{"principal_tags": stated}
	claim(s, "tags and a public login", token, 60, want)
	_, token = s.developer(func(in *developerInput) { in.Logins, in.PrincipalTags = user(bob), map[string]string{} })
	claim(s, "no tags", token, 900, ofUser(s, s.Pools.Open, id, ofDeveloper(s.Pools.Open, bob)...))
	for what, bad := range map[string]map[string]string{
		"tags whose keys differ in case alone": {"Team": "a", "team": "b"},
		"a tag of AWS's":                       {"AWS:team": "a"},
		"a key that is no tag":                 {"team#": "a"},
		"a value that is no tag":               {"team": "r&d"},
	} {
		answer, _ := s.developer(func(in *developerInput) { in.Logins, in.PrincipalTags = user(s.someone()), bad })
		s.refused(what, refusalOf(answer), invalid)
	}
}
