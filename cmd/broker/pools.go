package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// pools are the engine's pools of the configuration, held to what the API takes.
func pools(c *config.Config) ([]rules.Pool, error) {
	var out []rules.Pool
	emulated := emulatedPools(c)
	for i := range c.Pools {
		p := poolOf(&c.Pools[i])
		if err := checkPool(&p, c.Cognito.AccountID, emulated); err != nil {
			return nil, fmt.Errorf("pools[%d]: %s", i, cognito.Public(err).ErrorMessage())
		}
		out = append(out, p)
	}
	return out, nil
}

// checkPool looks at what only the rules know. Default roles may be another STS's own.
func checkPool(p *rules.Pool, account string, emulated []string) error {
	if err := rules.CheckPool(p, emulated...); err != nil {
		return err
	}
	if err := rules.CheckRoles(p, account, rules.Roles{}, p.Mappings); err != nil {
		return err
	}
	for _, provider := range slices.Sorted(maps.Keys(p.PrincipalTags)) {
		if err := rules.CheckTagMap(p, provider, p.PrincipalTags[provider]); err != nil {
			return err
		}
	}
	return nil
}

// emulatedPools are the user pools that have other names than the service's.
func emulatedPools(c *config.Config) []string {
	var names []string
	for _, p := range c.LoginProviders {
		if p.Kind == loginkey.UserPool && loginkey.EmulatedPool(p.Provider) {
			names = append(names, p.Provider)
		}
	}
	return names
}

func poolOf(p *config.Pool) rules.Pool {
	out := rules.Pool{
		ID: p.ID, Name: p.Name,
		AllowGuests: p.AllowUnauthenticatedIdentities, AllowClassic: p.AllowClassicFlow,
		DeveloperProvider: p.DeveloperProviderName,
		OIDCProviderARNs:  p.OpenIDConnectProviderARNs, SAMLProviderARNs: p.SAMLProviderARNs,
		PublicProviders: p.SupportedLoginProviders,
		GuestRetention:  p.GuestRetention,
		Roles:           rules.Roles{Authenticated: p.Roles.Authenticated, Unauthenticated: p.Roles.Unauthenticated},
	}
	for _, u := range p.CognitoIdentityProviders {
		out.UserPools = append(out.UserPools, rules.UserPool{
			Provider: u.ProviderName, ClientID: u.ClientID, ServerSideTokenCheck: u.ServerSideTokenCheck,
		})
	}
	if p.RoleMappings != nil {
		out.Mappings = map[string]rules.Mapping{}
	}
	for provider, m := range p.RoleMappings {
		mapping := rules.Mapping{Type: m.Type, Ambiguous: m.AmbiguousRoleResolution}
		for _, r := range m.RulesConfiguration.Rules {
			mapping.Rules = append(mapping.Rules,
				rules.Rule{Claim: r.Claim, Match: r.MatchType, Value: r.Value, Role: r.RoleARN})
		}
		out.Mappings[provider] = mapping
	}
	if p.PrincipalTags != nil {
		out.PrincipalTags = map[string]rules.TagMap{}
	}
	for provider, m := range p.PrincipalTags {
		out.PrincipalTags[loginkey.Normal(provider)] = rules.TagMap{UseDefaults: m.UseDefaults, Tags: m.PrincipalTags}
	}
	return out
}
