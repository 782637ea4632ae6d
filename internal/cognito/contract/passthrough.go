package contract

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

// passThrough is the developer's enhanced flow of docs/cognito.md#flows: credentials for
// a token of Cognito's own.
func passThrough(s *scene) {
	alice, bob := s.someone(), s.someone()
	id, token := s.developer(func(in *developerInput) { in.Logins = user(alice) })
	other, _ := s.developer(func(in *developerInput) { in.Logins = user(bob) })
	s.equal("a backend's user", s.credentials(id, pass(token)), id+" as "+Authenticated)
	s.equal("again", s.credentials(id, pass(token)), id+" as "+Authenticated)
	s.equal("another's identity", s.credentials(other, pass(token)), mismatch)
	s.equal("an unknown identity", s.credentials(s.unknown(), pass(token)), noIdentity(s.unknown()))
	s.equal("altered", s.credentials(id, pass(altered(token))), unverified)
	s.equal("no token", s.credentials(id, pass("opaque")), malformed)
	s.equal("under the developer's name", s.credentials(id, user(token)), cognitoToken)
	s.equal("under a provider's name", s.credentials(id, map[string]string{s.Providers[0].Name(): token}), cognitoToken)
	s.refused("beside another login", s.credentials(id, with(pass(token), s.login(s.someone()))), notAuthorized)
	s.equal("beside another login, nothing was linked", s.linked(id), "["+DeveloperProvider+"]")
	_, _, refusal := s.openIDToken(id, pass(token))
	s.equal("at GetOpenIdToken", refusal, cognitoToken)

	carol := s.someone()
	public := s.identity(s.Pools.Open, s.login(carol))
	s.equal("a user's token of the classic flow", s.credentials(public, pass(s.token(public, s.login(carol)))),
		public+" as "+Authenticated)
	guest := s.guest()
	guests := s.token(guest, nil)
	s.refused("a guest's token", s.credentials(guest, pass(guests)), notAuthorized)
	s.refused("a guest's token for a user", s.credentials(id, pass(guests)), notAuthorized)
	s.refused("a login provider's token", s.credentials(public, pass(s.Providers[0].Token(nil))), notAuthorized)

	closed, token := s.developer(func(in *developerInput) { in.IdentityPoolId = &s.Pools.Closed; in.Logins = user(alice) })
	s.equal("another pool's token", s.credentials(id, pass(token)), mismatch)
	s.equal("a pool without the classic flow", s.credentials(closed, pass(token)), closed+" as "+Authenticated)
}

// passThroughAfterChanges holds a token against what changed since it was made.
func passThroughAfterChanges(s *scene) {
	alice := s.someone()
	id := s.identity(s.Pools.Open, s.both(alice, alice))
	one, two := pass(s.token(id, s.login(alice))), pass(s.token(id, s.loginAt(1, alice)))
	s.equal("before", s.credentials(id, one), id+" as "+Authenticated)
	s.must("UnlinkIdentity", s.unlink(id, s.login(alice), s.Providers[0].Name()))
	s.refused("the login is unlinked", s.credentials(id, one), notAuthorized)
	s.equal("another login is not", s.credentials(id, two), id+" as "+Authenticated)
	s.must("UnlinkIdentity", s.unlink(id, s.loginAt(1, alice), s.Providers[1].Name()))
	s.equal("the last login is unlinked", s.credentials(id, two), forbidden(id))

	pool := s.pool(func(in *createInput) { in.DeveloperProviderName = aws.String(DeveloperProvider) })
	id, token := s.developer(func(in *developerInput) { in.IdentityPoolId = &pool; in.Logins = user(alice) })
	s.equal("a new pool", s.credentials(id, pass(token)), id+" as "+Authenticated)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, map[string]string{}, nil))
	s.equal("a pool whose roles are gone", s.credentials(id, pass(token)), noRole)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), nil))
	carol := s.someone()
	public := s.identity(pool, s.login(carol))
	classic := pass(s.token(public, s.login(carol)))
	deny := ruled(s, s.providerARN(0), func(m *types.RoleMapping, _ *types.MappingRule) {
		m.AmbiguousRoleResolution = types.AmbiguousRoleResolutionTypeDeny
	})
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), deny))
	s.refused("a user's token that would get round a mapping", s.credentials(public, classic), notAuthorized)
	s.equal("a backend's user, whom no mapping concerns", s.credentials(id, pass(token)), id+" as "+Authenticated)
	s.must("DeleteIdentityPool", s.deletePool(pool))
	s.equal("a pool that is gone", s.credentials(id, pass(token)), noIdentity(id))
	s.equal("its identity", s.linked(id), noIdentity(id))
}
