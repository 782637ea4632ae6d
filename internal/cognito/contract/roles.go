package contract

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

func unchanged(*types.RoleMapping, *types.MappingRule) {}

// setRoles tests docs/cognito.md#pools: roles and mappings are replaced together.
func setRoles(s *scene) {
	pool := s.pool(func(in *createInput) {
		in.SupportedLoginProviders = map[string]string{"accounts.google.com": "1"}
		in.CognitoIdentityProviders = full(s).CognitoIdentityProviders
		in.SamlProviderARNs = full(s).SamlProviderARNs
	})
	id := *whole(s, pool, func(*updateInput) {}).IdentityPoolId
	one := map[string]string{"unauthenticated": s.role("a/path/other")}
	mappings := ruled(s, s.providerARN(0), unchanged)
	for _, provider := range []string{"accounts.google.com", "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc:two",
		full(s).SamlProviderARNs[0]} {
		mappings[provider] = types.RoleMapping{Type: types.RoleMappingTypeToken,
			AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeAuthenticatedRole}
	}
	for _, c := range []struct {
		what     string
		roles    map[string]string
		mappings map[string]types.RoleMapping
	}{
		{"both roles", usualRoles(s), nil},
		{"one role", one, nil},
		{"mappings", usualRoles(s), mappings},
		{"one role, no mappings", one, map[string]types.RoleMapping{}},
		{"nothing", map[string]string{}, nil},
	} {
		s.equal(c.what, s.setRoles(pool, c.roles, c.mappings), "")
		s.equal(c.what+", shown", s.showRoles(pool), id+" "+spellRoles(s, c.roles, c.mappings))
	}
	s.equal("a pool that never had roles", s.showRoles(s.Pools.Bare), s.Pools.Bare+" null null")
}

// formerMappings is what an update leaves of providers that it takes out: what is
// shown can be sent back, and no other way into the pool's mappings leads there.
func formerMappings(s *scene) {
	const google, apple = "accounts.google.com", "appleid.apple.com"
	pool := s.pool(func(in *createInput) {
		in.SupportedLoginProviders = map[string]string{google: "1", apple: "1"}
	})
	token := types.RoleMapping{Type: types.RoleMappingTypeToken,
		AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny}
	mappings := ruled(s, google, unchanged)
	mappings[apple] = token
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), mappings))
	s.must("UpdateIdentityPool", updated(s, whole(s, pool, func(in *updateInput) { in.SupportedLoginProviders = nil })))
	before := s.showRoles(pool)
	s.equal("both stay", before, pool+" "+spellRoles(s, usualRoles(s), mappings))
	s.equal("sent back", s.setRoles(pool, usualRoles(s), mappings), "")
	s.equal("both stay again", s.showRoles(pool), before)
	s.refused("one that says something else",
		s.setRoles(pool, usualRoles(s), map[string]types.RoleMapping{google: token}), invalid)
	other := ruled(s, google, func(_ *types.RoleMapping, r *types.MappingRule) { r.Value = aws.String("other") })
	s.refused("one with another rule", s.setRoles(pool, usualRoles(s), other), invalid)
	s.refused("one for another former provider",
		s.setRoles(pool, usualRoles(s), map[string]types.RoleMapping{google: mappings[google], "www.amazon.com": token}),
		invalid)
	s.equal("refusals change nothing", s.showRoles(pool), before)
	delete(mappings, apple)
	s.equal("one is left out", s.setRoles(pool, usualRoles(s), mappings), "")
	s.refused("and is gone", s.setRoles(pool, usualRoles(s), map[string]types.RoleMapping{apple: token}), invalid)
}

func refusedRoles(s *scene) {
	pool := s.pool(func(in *createInput) {
		in.CognitoIdentityProviders = full(s).CognitoIdentityProviders
		in.SupportedLoginProviders = map[string]string{"accounts.google.com": "1"}
	})
	before := s.showRoles(pool)
	arn := "arn:aws:iam::" + s.Account
	for _, bad := range []string{"https://idp.example/role", arn + ":user/somebody", arn + ":role/", arn + ":role/a b",
		"arn:aws:iam::999999999999:role/auth", "arn:aws:sts::" + s.Account + ":role/auth"} {
		s.equal(bad, s.setRoles(pool, map[string]string{"authenticated": s.role(Authenticated), "unauthenticated": bad}, nil),
			forbiddenRole(bad))
		rule := ruled(s, s.providerARN(0), func(_ *types.RoleMapping, r *types.MappingRule) { r.RoleARN = &bad })
		s.equal(bad+" in a rule", s.setRoles(pool, usualRoles(s), rule), forbiddenRole(bad))
	}
	userPool := "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc"
	for _, key := range []string{
		"graph.facebook.com", "idp.example", s.Providers[0].Name(), s.Providers[0].URL, userPool, userPool + ":three",
		"https://" + userPool + ":one",
		s.providerARN(0) + "/tenant", DeveloperProvider,
	} {
		want := invalid + ": (" + key + ") is not a valid RoleMapping ProviderName or is not a configured provider."
		s.equal("a key of no provider", s.setRoles(pool, usualRoles(s), ruled(s, key, unchanged)), want)
	}
	for what, change := range map[string]func(m *types.RoleMapping, r *types.MappingRule){
		"no resolution":        func(m *types.RoleMapping, _ *types.MappingRule) { m.AmbiguousRoleResolution = "" },
		"rules without rules":  func(m *types.RoleMapping, _ *types.MappingRule) { m.RulesConfiguration = nil },
		"rules beyond a quota": func(m *types.RoleMapping, r *types.MappingRule) { m.RulesConfiguration = repeated(*r, 26) },
	} {
		s.refused(what, s.setRoles(pool, usualRoles(s), ruled(s, s.providerARN(0), change)), invalid)
	}
	s.equal("a refusal changes nothing", s.showRoles(pool), before)
	most := ruled(s, s.providerARN(0), func(m *types.RoleMapping, r *types.MappingRule) {
		m.RulesConfiguration = repeated(*r, 25)
	})
	s.equal("rules within the quota", s.setRoles(pool, usualRoles(s), most), "")
}

func repeated(r types.MappingRule, n int) *types.RulesConfigurationType {
	c := &types.RulesConfigurationType{}
	for range n {
		c.Rules = append(c.Rules, r)
	}
	return c
}
