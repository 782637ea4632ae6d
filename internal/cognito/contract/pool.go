package contract

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

type (
	createInput = cognitoidentity.CreateIdentityPoolInput
	updateInput = cognitoidentity.UpdateIdentityPoolInput
	rolesInput  = cognitoidentity.SetIdentityPoolRolesInput
	// shown is how operations show a pool; their outputs have the same members.
	shown = cognitoidentity.DescribeIdentityPoolOutput
)

// create makes a pool of guests without providers, but for what change says, and
// has it deleted when the test ends.
func (s *scene) create(change func(in *createInput)) (p *shown, refusal string) {
	s.Helper()
	in := &createInput{IdentityPoolName: aws.String("contract"), AllowUnauthenticatedIdentities: true}
	change(in)
	out, refusal := ask(s, s.API.CreateIdentityPool, in)
	if refusal != "" {
		return nil, refusal
	}
	s.Cleanup(func() {
		ctx := context.WithoutCancel(s.Context())
		_, _ = s.API.DeleteIdentityPool(ctx, &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: out.IdentityPoolId})
	})
	p = new(shown(*out))
	return p, ""
}

// created is create where only the refusal is looked at.
func (s *scene) created(change func(in *createInput)) (refusal string) {
	s.Helper()
	_, refusal = s.create(change)
	return refusal
}

// pool is create where the test builds on it; the pool lists both providers and
// hands out the usual roles.
func (s *scene) pool(change func(in *createInput)) string {
	s.Helper()
	p, refusal := s.create(func(in *createInput) {
		in.OpenIdConnectProviderARNs = []string{s.providerARN(0), s.providerARN(1)}
		change(in)
	})
	s.must("CreateIdentityPool", refusal)
	id := aws.ToString(p.IdentityPoolId)
	s.must("SetIdentityPoolRoles", s.setRoles(id, usualRoles(s), nil))
	return id
}

func usualRoles(s *scene) map[string]string {
	return map[string]string{"authenticated": s.role(Authenticated), "unauthenticated": s.role(Unauthenticated)}
}

func (s *scene) setRoles(pool string, roles map[string]string, mappings map[string]types.RoleMapping) string {
	s.Helper()
	_, refusal := ask(s, s.API.SetIdentityPoolRoles,
		&rolesInput{IdentityPoolId: &pool, Roles: roles, RoleMappings: mappings})
	return refusal
}

// showRoles brings a pool's roles and mappings.
func (s *scene) showRoles(pool string) string {
	s.Helper()
	out, refusal := ask(s, s.API.GetIdentityPoolRoles, &cognitoidentity.GetIdentityPoolRolesInput{IdentityPoolId: &pool})
	if refusal != "" {
		return refusal
	}
	return aws.ToString(out.IdentityPoolId) + " " + spellRoles(s, out.Roles, out.RoleMappings)
}

// spellRoles makes no difference between none and an empty map.
func spellRoles(s *scene, roles map[string]string, mappings map[string]types.RoleMapping) string {
	s.Helper()
	if len(roles) == 0 {
		roles = nil
	}
	if len(mappings) == 0 {
		mappings = nil
	}
	return spellJSON(s, roles) + " " + spellJSON(s, mappings)
}

// describe brings a pool as it is shown, or the refusal.
func (s *scene) describe(pool string) (p *shown, refusal string) {
	s.Helper()
	return ask(s, s.API.DescribeIdentityPool, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: &pool})
}

func (s *scene) deletePool(pool string) string {
	s.Helper()
	_, refusal := ask(s, s.API.DeleteIdentityPool, &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: &pool})
	return refusal
}

// ruled maps a provider's users by one rule, but for what change says.
func ruled(
	s *scene, provider string, change func(m *types.RoleMapping, r *types.MappingRule),
) map[string]types.RoleMapping {
	rule := types.MappingRule{
		Claim: aws.String("department"), MatchType: types.MappingRuleMatchTypeEquals,
		Value: aws.String("sales"), RoleARN: aws.String(s.role("sales")),
	}
	mapping := types.RoleMapping{
		Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
		RulesConfiguration: &types.RulesConfigurationType{},
	}
	change(&mapping, &rule)
	if mapping.RulesConfiguration != nil && mapping.RulesConfiguration.Rules == nil {
		mapping.RulesConfiguration.Rules = []types.MappingRule{rule}
	}
	return map[string]types.RoleMapping{provider: mapping}
}
