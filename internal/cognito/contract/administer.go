package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// page brings a page of a pool's identities as "<id> <logins>" and its token.
func page(
	s *scene, pool string, size int32, token *string, hideDisabled bool,
) (page []string, next *string, refusal string) {
	s.Helper()
	out, refusal := ask(s, s.API.ListIdentities, &cognitoidentity.ListIdentitiesInput{
		IdentityPoolId: &pool, MaxResults: &size, NextToken: token, HideDisabled: hideDisabled,
	})
	if refusal != "" {
		return nil, nil, refusal
	}
	if aws.ToString(out.IdentityPoolId) != pool || len(out.Identities) > int(size) {
		s.Errorf("a page: got %d of %s, want at most %d of %s", len(out.Identities), aws.ToString(out.IdentityPoolId), size,
			pool)
	}
	for _, i := range out.Identities {
		if i.CreationDate == nil || i.LastModifiedDate == nil {
			s.Errorf("a page: got %s without its dates", aws.ToString(i.IdentityId))
		}
		page = append(page, aws.ToString(i.IdentityId)+" "+fmt.Sprint(i.Logins))
	}
	return page, out.NextToken, ""
}

// everyone brings all pages of a pool, between which between is run.
func everyone(s *scene, pool string, size int32, hideDisabled bool, between func()) (all []string) {
	s.Helper()
	var token *string
	for range 50 {
		page, next, refusal := page(s, pool, size, token, hideDisabled)
		s.must("ListIdentities", refusal)
		all = append(all, page...)
		if token = next; token == nil {
			return all
		}
		between()
	}
	s.Fatal("ListIdentities: got no last page in 50")
	return nil
}

// listIdentities tests docs/cognito.md#administering-identities: all are listed once,
// whatever comes and goes.
func listIdentities(s *scene) {
	pool, alice := s.pool(func(*createInput) {}), s.someone()
	s.equal("nobody", fmt.Sprint(everyone(s, pool, 60, false, func() {})), "[]")
	want := map[string]string{}
	for range 5 {
		want[s.identity(pool, nil)] = "[]"
	}
	want[s.identity(pool, s.both(alice, alice))] = names([]string{s.Providers[0].Name(), s.Providers[1].Name()})
	gone := s.identity(pool, s.login(s.someone()))
	want[gone] = "[" + s.Providers[0].Name() + "]"
	spell := func(all map[string]string) string {
		var list []string
		for id, logins := range all {
			list = append(list, id+" "+logins)
		}
		return fmt.Sprint(sorted(list))
	}
	for _, size := range []int32{1, 3, 60} {
		s.equal("pages", fmt.Sprint(sorted(everyone(s, pool, size, false, func() {}))), spell(want))
	}
	late := map[string]bool{}
	got := everyone(s, pool, 2, false, func() { late[s.identity(pool, nil)] = true })
	got = slices.DeleteFunc(got, func(entry string) bool { id, _, _ := strings.Cut(entry, " "); return late[id] })
	s.equal("those who were there all the time", fmt.Sprint(sorted(got)), spell(want))
	for id := range late {
		want[id] = "[]"
	}
	guest := s.identity(pool, nil)
	s.must("GetCredentialsForIdentity", refusalOf(s.credentials(guest, s.login(alice)))) // a merge
	s.equal("without the disabled", fmt.Sprint(sorted(everyone(s, pool, 2, true, func() {}))), spell(want))
	want[guest] = "[]"
	s.equal("with the disabled", fmt.Sprint(sorted(everyone(s, pool, 2, false, func() {}))), spell(want))

	_, next, refusal := page(s, pool, 1, nil, false)
	s.must("ListIdentities", refusal)
	refused := func(what, pool string, token *string, hide bool) {
		_, _, refusal := page(s, pool, 1, token, hide)
		s.refused(what, refusal, invalid)
	}
	refused("another pool's token", s.Pools.Open, next, false)
	refused("another query's token", pool, next, true)
	refused("an altered token", pool, aws.String(*next+"A"), false)
	refused("no token", pool, aws.String("x"), false)
	_, _, refusal = page(s, s.unknown(), 1, nil, false)
	s.equal("an unknown pool", refusal, noPool(s.unknown()))
}

// deleted brings what was not processed.
func deleted(s *scene, ids ...string) string {
	s.Helper()
	out, refusal := ask(s, s.API.DeleteIdentities, &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: ids})
	if refusal != "" {
		return refusal
	}
	return spellJSON(s, append(out.UnprocessedIdentityIds[:0:0], out.UnprocessedIdentityIds...))
}

// deleteIdentities tests docs/cognito.md#administering-identities.
func deleteIdentities(s *scene) {
	alice := s.someone()
	id, guest, kept := s.identity(s.Pools.Open, s.login(alice)), s.guest(), s.guest()
	s.must("GetCredentialsForIdentity", refusalOf(s.credentials(id, s.login(alice))))
	s.must("GetCredentialsForIdentity", refusalOf(s.credentials(guest, nil)))
	token := s.token(id, s.login(alice))
	s.equal("all of them", deleted(s, id, guest, guest), "[]")
	s.equal("a user", s.credentials(id, s.login(alice)), noIdentity(id))
	s.equal("a guest", s.credentials(guest, nil), noIdentity(guest))
	s.equal("his token", s.credentials(id, pass(token)), noIdentity(id))
	s.equal("his token at STS", s.assume(Authenticated, token), notTrusted)
	s.equal("another", s.credentials(kept, nil), kept+" as "+Unauthenticated)
	if again := s.identity(s.Pools.Open, s.login(alice)); again == id {
		s.Error("his login: got the old identity, want a new one")
	}
	bob, loser := s.login(s.someone()), s.guest()
	survivor := s.identity(s.Pools.Open, bob)
	s.equal("a guest who lost a merge", s.credentials(loser, bob), survivor+" as "+Authenticated)
	s.equal("he is deleted", deleted(s, loser), "[]")
	s.equal("the same call", s.credentials(loser, bob), noIdentity(loser))
	s.equal("the survivor", s.credentials(survivor, bob), survivor+" as "+Authenticated)
	s.equal("once more", deleted(s, id), "[]")
	s.equal("of nobody", deleted(s, s.unknown()), "[]")
	many := make([]string, 60)
	for n := range many {
		many[n] = s.unknown()[:len(s.unknown())-2] + fmt.Sprintf("%02d", n)
	}
	s.equal("sixty", deleted(s, many...), "[]")
	s.refused("one more", deleted(s, append(many, id)...), validation)
	s.refused("none", deleted(s, []string{}...), validation)
	s.refused("what is no id", deleted(s, "x"), validation)
}
