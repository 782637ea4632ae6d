package rules

import (
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
)

// CheckModel holds a pool that no call brought to the model's constraints of the
// calls that could have. Empty members count as left out.
func CheckModel(p *Pool) error {
	create := map[string]any{
		"IdentityPoolName":               p.Name,
		"AllowUnauthenticatedIdentities": p.AllowGuests,
		"DeveloperProviderName":          orNil(p.DeveloperProvider),
		"OpenIdConnectProviderARNs":      modelList(p.OIDCProviderARNs),
		"SamlProviderARNs":               modelList(p.SAMLProviderARNs),
		"SupportedLoginProviders":        modelMap(p.PublicProviders),
		"IdentityPoolTags":               modelMap(p.Tags),
		"CognitoIdentityProviders":       modelUserPools(p.UserPools),
	}
	if err := cognito.Validate("CreateIdentityPool", create); err != nil {
		return err
	}
	roles := map[string]any{}
	for slot, role := range map[string]string{"authenticated": p.Roles.Authenticated,
		"unauthenticated": p.Roles.Unauthenticated} {
		if role != "" {
			roles[slot] = role
		}
	}
	set := map[string]any{"IdentityPoolId": p.ID, "Roles": roles, "RoleMappings": modelMappings(p.Mappings)}
	if err := cognito.Validate("SetIdentityPoolRoles", set); err != nil {
		return err
	}
	for _, provider := range slices.Sorted(maps.Keys(p.PrincipalTags)) {
		set := map[string]any{
			"IdentityPoolId": p.ID, "IdentityProviderName": provider, "PrincipalTags": modelMap(p.PrincipalTags[provider].Tags),
		}
		if err := cognito.Validate("SetPrincipalTagAttributeMap", set); err != nil {
			return err
		}
	}
	return nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func modelList(in []string) any {
	out := make([]any, 0, len(in))
	for _, s := range in {
		out = append(out, s)
	}
	return out
}

func modelMap(in map[string]string) any {
	out := make(map[string]any, len(in))
	for key, value := range in {
		out[key] = value
	}
	return out
}

func modelUserPools(in []UserPool) any {
	out := make([]any, 0, len(in))
	for _, u := range in {
		out = append(out, map[string]any{"ProviderName": u.Provider, "ClientId": u.ClientID})
	}
	return out
}

func modelMappings(in map[string]Mapping) any {
	out := make(map[string]any, len(in))
	for provider, m := range in {
		mapping := map[string]any{"Type": m.Type, "AmbiguousRoleResolution": orNil(m.Ambiguous)}
		var all []any
		for _, r := range m.Rules {
			all = append(all, map[string]any{"Claim": r.Claim, "MatchType": r.Match, "Value": r.Value, "RoleARN": r.Role})
		}
		if len(all) > 0 {
			mapping["RulesConfiguration"] = map[string]any{"Rules": all}
		}
		out[provider] = mapping
	}
	return out
}
