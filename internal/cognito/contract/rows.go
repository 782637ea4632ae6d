package contract

import "github.com/aws/aws-sdk-go-v2/aws"

// entry is one of the two operations that enter an identity by reference 3.3. It
// brings "<identity> as <role>".
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

// rows walks the table of reference 3.3 in the pool Open. Rows 2 and 13 need
// other pools, see below; row 12 is open.
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
	s.equal("row 9", enter(id, s.both(bob, alice)), merge)
	guest := s.guest()
	s.equal("row 8", enter(guest, s.login(bob)), merge)
	s.equal("row 8, still a guest", enter(guest, nil), guest+" as "+Unauthenticated)
	s.equal("rows 8 and 9 changed nobody", enter(other, s.login(bob)), other+" as "+Authenticated)
	carol := s.someone()
	s.equal("row 7, two at once", enter(guest, s.both(carol, carol)), guest+" as "+Authenticated)
	s.equal("row 7, both linked", s.linked(guest), names([]string{s.Providers[0].Name(), s.Providers[1].Name()}))
	s.refused("a backend's user", enter(guest, user(carol)), notAuthorized)
	s.otherPools(enter)
}

// otherPools are rows 2 and 13.
func (s *scene) otherPools(enter entry) {
	alice := s.someone()
	lonely := s.pool(func(in *createInput) { in.OpenIdConnectProviderARNs = in.OpenIdConnectProviderARNs[:1] })
	id, guest := s.identity(lonely, s.login(alice)), s.identity(lonely, nil)
	s.equal("row 13, a provider that is not listed", enter(id, s.loginAt(1, alice)), unsupported)
	s.must("UpdateIdentityPool", s.updated(&updateInput{IdentityPoolId: &lonely, IdentityPoolName: aws.String("contract")}))
	s.equal("row 13, a pool without providers", enter(id, s.login(alice)), mismatch)
	s.equal("row 2, a guest", enter(guest, nil), noGuests)
	s.equal("row 2 before row 4", enter(id, nil), noGuests)
}

// credentialRoles is reference 4.2 for a pool without mappings.
func credentialRoles(s *scene) {
	alice := s.someone()
	id, guest := s.identity(s.Pools.Bare, s.login(alice)), s.identity(s.Pools.Bare, nil)
	s.equal("no role for users", s.credentials(id, s.login(alice)), noRole)
	s.equal("no role for guests", s.credentials(guest, nil), noRole)
	pool := s.pool(func(*createInput) {})
	id, guest = s.identity(pool, s.login(alice)), s.identity(pool, nil)
	s.equal("a user", s.credentials(id, s.login(alice)), id+" as "+Authenticated)
	s.equal("a guest", s.credentials(guest, nil), guest+" as "+Unauthenticated)
	s.equal("the role that is due, by name", s.customCredentials(id, s.login(alice), aws.String(s.role(Authenticated))), id+" as "+Authenticated)
	s.refused("another role, by name", s.customCredentials(id, s.login(alice), aws.String(s.role(Unauthenticated))), notAuthorized)
	s.refused("a user's role for a guest", s.customCredentials(guest, nil, aws.String(s.role(Authenticated))), notAuthorized)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, map[string]string{"unauthenticated": s.role(Unauthenticated)}, nil))
	s.equal("a role that was taken away", s.credentials(id, s.login(alice)), noRole)
	s.equal("a role that was left", s.credentials(guest, nil), guest+" as "+Unauthenticated)
	s.equal("a pool that takes guests no more", s.closedGuest(pool, guest), noGuests)
}

// closedGuest has a pool take no more guests and calls for one.
func (s *scene) closedGuest(pool, guest string) string {
	s.Helper()
	s.must("UpdateIdentityPool", s.updated(&updateInput{IdentityPoolId: &pool, IdentityPoolName: aws.String("contract")}))
	return s.credentials(guest, nil)
}
