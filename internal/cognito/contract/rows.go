package contract

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// entry is one of the two operations that enter an identity
// (docs/cognito.md#entering-an-identity). It brings "<identity> as <role>".
type entry func(id string, logins map[string]string) string

func credentialRows(s *scene) { s.rows(s.credentials) }

func tokenRows(s *scene) {
	s.rows(func(id string, logins map[string]string) string {
		s.Helper()
		answered, token, refusal := s.openIDToken(id, logins)
		if refusal != "" {
			return refusal
		}
		c := s.claims(token, 600)
		amr, _ := c["amr"].([]any)
		role := map[any]string{"authenticated": Authenticated, "unauthenticated": Unauthenticated}[amr[0]]
		if c["sub"] != answered {
			return "a token of another identity than the answer"
		}
		return answered + " as " + role
	})
}

// rows walks the table of docs/cognito.md#entering-an-identity in the pool Open. Rows 2 and
// 13 need other pools, see below.
func (s *scene) rows(enter entry) {
	open, alice, bob := s.Pools.Open, s.someone(), s.someone()
	s.equal("row 1", enter(s.unknown(), nil), noIdentity(s.unknown()))
	s.equal("row 1, with a login", enter(s.unknown(), s.login(alice)), noIdentity(s.unknown()))
	id := s.guest()
	s.equal("row 3", enter(id, nil), id+" as "+Unauthenticated)
	s.equal("row 3, no logins", enter(id, map[string]string{}), id+" as "+Unauthenticated)
	s.equal("row 7, a bad token", enter(id, map[string]string{s.Providers[0].Name(): "x"}), malformed)
	s.equal("row 7, not taken yet", enter(id, nil), id+" as "+Unauthenticated)
	s.equal("row 7", enter(id, s.login(alice)), id+" as "+Authenticated)
	s.equal("row 7, for good", s.id(open, s.login(alice)), id)
	s.equal("row 4", enter(id, nil), forbidden(id))
	s.equal("row 5", enter(id, s.login(alice)), id+" as "+Authenticated)
	s.equal("row 10, a user of nobody", enter(id, s.login(bob)), mismatch)
	other := s.identity(open, s.login(bob))
	s.equal("row 10, a user of another", enter(id, s.login(bob)), mismatch)
	s.equal("row 10, a user at another issuer", enter(id, s.loginAt(1, alice)), mismatch)
	s.equal("row 10, another pool's", enter(s.identity(s.Pools.Bare, s.login(bob)), s.login(alice)), mismatch)
	s.equal("one bad of two", enter(id, with(s.login(alice), map[string]string{s.Providers[1].Name(): "x"})), malformed)
	s.equal("row 6", enter(id, s.both(alice, alice)), id+" as "+Authenticated)
	s.equal("row 6, linked", enter(id, s.loginAt(1, alice)), id+" as "+Authenticated)
	s.equal("row 11", enter(id, s.both(s.someone(), alice)), merge)
	s.equal("row 9, both have a user of one provider", enter(id, s.both(bob, alice)), merge)
	s.equal("and nobody changed", enter(other, s.login(bob)), other+" as "+Authenticated)
	guest, carol := s.guest(), s.someone()
	s.equal("row 7, two at once", enter(guest, s.both(carol, carol)), guest+" as "+Authenticated)
	s.equal("row 7, both linked", s.linked(guest), names([]string{s.Providers[0].Name(), s.Providers[1].Name()}))
	s.refused("a backend's user", enter(guest, user(carol)), notAuthorized)
	merges(s, enter)
	otherPools(s, enter)
}

// merges are rows 8, 9 and 12.
func merges(s *scene, enter entry) {
	open, alice, bob := s.Pools.Open, s.someone(), s.someone()
	id, guest := s.identity(open, s.login(alice)), s.guest()
	s.equal("row 8", enter(guest, s.login(alice)), id+" as "+Authenticated)
	s.equal("row 8, the guest is no more", enter(guest, nil), forbidden(guest))
	s.equal("row 12", enter(guest, s.login(alice)), id+" as "+Authenticated)
	s.equal("row 12, with a login of nobody", enter(guest, s.login(bob)), forbidden(guest))
	s.equal("the disabled one's logins", s.linked(guest), "[]")
	s.equal("row 8, and a login of nobody", enter(s.guest(), s.both(alice, alice)), id+" as "+Authenticated)
	s.equal("which is linked", s.id(open, s.loginAt(1, alice)), id)

	first, second := s.identity(open, s.login(bob)), s.identity(open, s.loginAt(1, bob))
	s.equal("row 9, without both proofs", enter(first, s.loginAt(1, bob)), mismatch)
	s.equal("row 9", enter(second, s.both(bob, bob)), second+" as "+Authenticated)
	s.equal("row 9, the other is no more", enter(first, nil), forbidden(first))
	s.equal("row 9, its logins moved", s.id(open, s.login(bob)), second)
	s.equal("row 12, after row 9", enter(first, s.login(bob)), second+" as "+Authenticated)

	carol := s.someone()
	first, second = s.identity(open, s.login(carol)), s.identity(open, s.loginAt(1, carol))
	third, elder := s.guest(), elder(s, first, second)
	s.equal("row 8, with logins of two: the elder", enter(third, s.both(carol, carol)), elder+" as "+Authenticated)
	for _, id := range []string{first, second, third} {
		s.equal("of all three", enter(id, s.loginAt(1, carol)), elder+" as "+Authenticated)
	}
}

// elder is the identity that was made first, of two made in the same millisecond
// the one whose id comes first.
func elder(s *scene, a, b string) string {
	s.Helper()
	var made [2]time.Time
	for n, id := range []string{a, b} {
		out, refusal := ask(s, s.API.DescribeIdentity, &cognitoidentity.DescribeIdentityInput{IdentityId: &id})
		s.must("DescribeIdentity", refusal)
		made[n] = *out.CreationDate
	}
	if made[1].Before(made[0]) || made[0].Equal(made[1]) && b < a {
		return b
	}
	return a
}

// otherPools are rows 2 and 13.
func otherPools(s *scene, enter entry) {
	alice := s.someone()
	lonely := s.pool(func(in *createInput) { in.OpenIdConnectProviderARNs = in.OpenIdConnectProviderARNs[:1] })
	id, guest := s.identity(lonely, s.login(alice)), s.identity(lonely, nil)
	s.equal("row 13, a provider that is not listed", enter(id, s.loginAt(1, alice)), unsupported)
	s.must("UpdateIdentityPool",
		updated(s, &updateInput{IdentityPoolId: &lonely, IdentityPoolName: aws.String("contract")}))
	s.equal("row 13, a pool without providers", enter(id, s.login(alice)), mismatch)
	s.equal("row 2, a guest", enter(guest, nil), noGuests)
	s.equal("row 2 before row 4", enter(id, nil), noGuests)
}

// credentialRoles tests docs/cognito.md#role-resolution for a pool without mappings.
func credentialRoles(s *scene) {
	alice := s.someone()
	id, guest := s.identity(s.Pools.Bare, s.login(alice)), s.identity(s.Pools.Bare, nil)
	s.equal("no role for users", s.credentials(id, s.login(alice)), noRole)
	s.equal("no role for guests", s.credentials(guest, nil), noRole)
	pool := s.pool(func(*createInput) {})
	id, guest = s.identity(pool, s.login(alice)), s.identity(pool, nil)
	s.equal("a user", s.credentials(id, s.login(alice)), id+" as "+Authenticated)
	s.equal("a guest", s.credentials(guest, nil), guest+" as "+Unauthenticated)
	s.equal("the role that is due, by name", s.customCredentials(id, s.login(alice), aws.String(s.role(Authenticated))),
		id+" as "+Authenticated)
	s.refused("another role, by name", s.customCredentials(id, s.login(alice), aws.String(s.role(Unauthenticated))),
		notAuthorized)
	s.refused("a user's role for a guest", s.customCredentials(guest, nil, aws.String(s.role(Authenticated))),
		notAuthorized)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, map[string]string{"unauthenticated": s.role(Unauthenticated)}, nil))
	s.equal("a role that was taken away", s.credentials(id, s.login(alice)), noRole)
	s.equal("a role that was left", s.credentials(guest, nil), guest+" as "+Unauthenticated)
	s.equal("a pool that takes guests no more", closedGuest(s, pool, guest), noGuests)
}

// closedGuest has a pool take no more guests and calls for one.
func closedGuest(s *scene, pool, guest string) string {
	s.Helper()
	s.must("UpdateIdentityPool", updated(s, &updateInput{IdentityPoolId: &pool, IdentityPoolName: aws.String("contract")}))
	return s.credentials(guest, nil)
}
