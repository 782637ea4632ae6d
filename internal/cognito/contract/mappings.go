package contract

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// roleMappings tests docs/cognito.md#roles-from-the-token, #roles-from-rules and
// #denied-roles: rules of the first provider, roles in tokens of the second.
func roleMappings(s *scene) {
	alice := s.someone()
	pool := s.pool(func(in *createInput) { in.DeveloperProviderName = aws.String(DeveloperProvider) })
	id := s.identity(pool, s.both(alice, alice))
	guest := s.identity(pool, nil)
	early := s.token(id, s.login(alice)) // of the classic flow, before there are mappings
	sales, admin, other := s.role("sales"), s.role("admin"), s.role("other")
	rule := func(claim, match, value, role string) types.MappingRule {
		return types.MappingRule{Claim: &claim, MatchType: types.MappingRuleMatchType(match), Value: &value, RoleARN: &role}
	}
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), map[string]types.RoleMapping{
		s.providerARN(0): {
			Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{
				rule("department", "Equals", "sales", sales), rule("groups", "Contains", "admin", admin),
				rule("level", "StartsWith", "4", other), rule("department", "NotEqual", "sales", s.role(Authenticated)),
			}},
		},
		s.providerARN(1): {Type: types.RoleMappingTypeToken,
			AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeAuthenticatedRole},
	}))
	as := func(role string) string { return id + " as " + s.assumed(role, "CognitoIdentityCredentials") }
	ask := func(provider int, claims idptest.Claims, custom string) string {
		claims["sub"] = alice
		if custom == "" {
			return s.customCredentials(id, s.tokenAt(provider, claims), nil)
		}
		return s.customCredentials(id, s.tokenAt(provider, claims), &custom)
	}
	denied := notAuthorized + ": The ambiguous role mapping rules for: " + s.Providers[0].Name() + " denied this request."
	type c = idptest.Claims
	for _, t := range []struct {
		what     string
		provider int
		claims   c
		custom   string
		want     string
	}{
		{"the first rule", 0, c{"department": "sales", "groups": []string{"admin"}}, "", as("sales")},
		{"a list", 0, c{"department": "sales ", "groups": []string{"x", "admins"}}, "", as("admin")},
		{"a number", 0, c{"level": 42}, "", as("other")},
		{"not equal", 0, c{"department": "hr"}, "", id + " as " + Authenticated},
		{"no rule", 0, c{}, "", denied},
		{"a value in other letters", 0, c{"department": "Sales"}, "", id + " as " + Authenticated},
		{"a claim in other letters", 0, c{"Department": "sales"}, "", denied},
		{"by name, of a rule that matches", 0, c{"department": "sales", "groups": "admin"}, admin, as("admin")},
		{"by name, of a rule that does not", 0, c{"department": "sales"}, admin, forbiddenRole(admin)},
		{"by name, of no rule", 0, c{"department": "sales"}, s.role(Unauthenticated), forbiddenRole(s.role(Unauthenticated))},
		{"a preferred role", 1, c{"cognito:roles": []string{sales, admin}, "cognito:preferred_role": admin}, "", as("admin")},
		{"the only role", 1, c{"cognito:roles": []string{sales}}, "", as("sales")},
		{"roles as text", 1, c{"cognito:roles": sales + "," + admin}, admin, as("admin")},
		{"several roles", 1, c{"cognito:roles": []string{sales, admin}}, "", id + " as " + Authenticated},
		{"no roles", 1, c{}, "", id + " as " + Authenticated},
		{"by name, in the token", 1, c{"cognito:roles": []string{sales, admin}}, sales, as("sales")},
		{"by name, not in the token", 1, c{"cognito:roles": []string{sales}}, admin, forbiddenRole(admin)},
	} {
		s.equal(t.what, ask(t.provider, t.claims, t.custom), t.want)
	}
	s.equal("a guest", s.credentials(guest, nil), guest+" as "+Unauthenticated)
	_, _, refusal := s.openIDToken(id, s.login(alice))
	s.equal("the classic flow", refusal, classicMaps)
	backend, token := s.developer(func(in *developerInput) { in.IdentityPoolId, in.Logins = &pool, user(alice) })
	s.equal("a backend's user", s.credentials(backend, pass(token)), backend+" as "+Authenticated)
	s.equal("his token at STS", s.assume(Authenticated, token), backend+" as "+s.assumed(Authenticated, sessionName))
	s.equal("his token for a rule's role", s.assume("admin", token), notTrusted)
	s.equal("a token that is older than the mappings, for a rule's role", s.assume("sales", early), notTrusted)
	s.equal("a token that would get round the mappings", s.assume(Authenticated, early), notTrusted)
	s.equal("GetId asks for no role", s.id(pool, s.login(alice)), id)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), nil))
	s.equal("without mappings", ask(0, c{}, ""), id+" as "+Authenticated)
}
