package embedded

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// settings and shown are the SDK's forms of a pool. The three outputs that show
// one have the same members, so they convert.
type (
	settings = cognitoidentity.CreateIdentityPoolInput
	shown    = cognitoidentity.DescribeIdentityPoolOutput
)

func ptr[T any](v T) *T { return &v }

// poolOf makes a definition of what a caller set.
func poolOf(in settings, id string) rules.Pool {
	p := rules.Pool{
		ID: id, Name: aws.ToString(in.IdentityPoolName),
		AllowGuests: in.AllowUnauthenticatedIdentities, AllowClassic: in.AllowClassicFlow,
		DeveloperProvider: aws.ToString(in.DeveloperProviderName),
		OIDCProviderARNs:  slices.Clone(in.OpenIdConnectProviderARNs),
		SAMLProviderARNs:  slices.Clone(in.SamlProviderARNs),
		PublicProviders:   maps.Clone(in.SupportedLoginProviders),
		Tags:              maps.Clone(in.IdentityPoolTags),
	}
	for _, u := range in.CognitoIdentityProviders {
		p.UserPools = append(p.UserPools, rules.UserPool{
			Provider: aws.ToString(u.ProviderName), ClientID: aws.ToString(u.ClientId),
			ServerSideTokenCheck: u.ServerSideTokenCheck,
		})
	}
	return p
}

// show leaves out what was never set, but for the tags (docs/cognito.md#answers).
func show(p *rules.Pool) shown {
	out := shown{
		IdentityPoolId: aws.String(p.ID), IdentityPoolName: aws.String(p.Name),
		AllowUnauthenticatedIdentities: p.AllowGuests, AllowClassicFlow: p.AllowClassic,
		IdentityPoolTags: map[string]string{},
	}
	if p.DeveloperProvider != "" {
		out.DeveloperProviderName = aws.String(p.DeveloperProvider)
	}
	if len(p.OIDCProviderARNs) > 0 {
		out.OpenIdConnectProviderARNs = slices.Clone(p.OIDCProviderARNs)
	}
	if len(p.SAMLProviderARNs) > 0 {
		out.SamlProviderARNs = slices.Clone(p.SAMLProviderARNs)
	}
	if len(p.PublicProviders) > 0 {
		out.SupportedLoginProviders = maps.Clone(p.PublicProviders)
	}
	for _, u := range p.UserPools {
		out.CognitoIdentityProviders = append(out.CognitoIdentityProviders, types.CognitoIdentityProvider{
			ProviderName: aws.String(u.Provider), ClientId: aws.String(u.ClientID), ServerSideTokenCheck: u.ServerSideTokenCheck,
		})
	}
	maps.Copy(out.IdentityPoolTags, p.Tags)
	return out
}

func mappingsOf(in map[string]types.RoleMapping) map[string]rules.Mapping {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]rules.Mapping, len(in))
	for provider, m := range in {
		mapping := rules.Mapping{Type: string(m.Type), Ambiguous: string(m.AmbiguousRoleResolution)}
		if m.RulesConfiguration != nil {
			for _, r := range m.RulesConfiguration.Rules {
				mapping.Rules = append(mapping.Rules, rules.Rule{
					Claim: aws.ToString(r.Claim), Match: string(r.MatchType), Value: aws.ToString(r.Value),
					Role: aws.ToString(r.RoleARN),
				})
			}
		}
		out[provider] = mapping
	}
	return out
}

func showMappings(in map[string]rules.Mapping) map[string]types.RoleMapping {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]types.RoleMapping, len(in))
	for provider, m := range in {
		mapping := types.RoleMapping{Type: types.RoleMappingType(m.Type),
			AmbiguousRoleResolution: types.AmbiguousRoleResolutionType(m.Ambiguous)}
		if len(m.Rules) > 0 {
			mapping.RulesConfiguration = &types.RulesConfigurationType{}
		}
		for _, r := range m.Rules {
			mapping.RulesConfiguration.Rules = append(mapping.RulesConfiguration.Rules, types.MappingRule{
				Claim: aws.String(r.Claim), MatchType: types.MappingRuleMatchType(r.Match), Value: aws.String(r.Value),
				RoleARN: aws.String(r.Role),
			})
		}
		out[provider] = mapping
	}
	return out
}
