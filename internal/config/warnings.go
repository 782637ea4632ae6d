package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Warning is about a key whose value is valid and seldom meant.
type Warning struct {
	Path string // of the key
	Text string // in words, in one line; it quotes no value
}

// Texts of warnings.
const (
	warnRegion  = "is a user pool of another region than the pool's id"
	warnAccount = "is a role of another account than cognito.account_id"
	refusesAll  = " (Invalid identity pool configuration)"
	warnNoRoles = "gives nobody a role: the enhanced flow refuses every login and guest" + refusesAll
	warnUsers   = "is missing, and there are no role_mappings: the enhanced flow refuses every login" + refusesAll
	warnGuests  = "is missing, and guests are allowed: the enhanced flow refuses them" + refusesAll
	warnDefault = "is AuthenticatedRole, and the pool has no roles.authenticated: whom nothing else decides is refused"
	warnTags    = "has no effect beside use_defaults: true"
)

// Warnings are what the pools of the engine, the login providers that these list, and the roles of the
// built-in STS have that is seldom meant. What upstream knows of its pools stands elsewhere.
func (c *Config) Warnings() (all []Warning) {
	if c.Cognito.Backend != BackendEmbedded {
		return nil
	}
	for i, r := range c.Roles {
		all = append(all, c.warnOfRole(at("roles", i)+".arn", r.ARN)...)
	}
	all = append(all, c.warnOfProviders()...)
	for i := range c.Pools {
		p, path := &c.Pools[i], at("pools", i)
		all = append(all, c.warnOfLists(path, p)...)
		all = append(all, p.warnOfRegions(path)...)
		all = append(all, p.warnOfRoles(path+".roles")...)
		all = append(all, c.warnOfRole(path+".roles.authenticated", p.Roles.Authenticated)...)
		all = append(all, c.warnOfRole(path+".roles.unauthenticated", p.Roles.Unauthenticated)...)
		for _, key := range slices.Sorted(maps.Keys(p.RoleMappings)) {
			all = append(all, c.warnOfMapping(join(path+".role_mappings", key), key, p)...)
		}
		for _, key := range slices.Sorted(maps.Keys(p.PrincipalTags)) {
			all = append(all, c.warnOfTags(join(path+".principal_tags", key), key, p.PrincipalTags[key])...)
		}
	}
	return all
}

// warnOfRole warns of a role of another account. An STS elsewhere than at AWS has roles of none.
func (c *Config) warnOfRole(path, arn string) []Warning {
	if !validRole(arn) || strings.Split(arn, ":")[4] == c.Cognito.AccountID {
		return nil
	}
	return []Warning{{path, warnAccount}}
}

func (p *Pool) warnOfRegions(path string) (all []Warning) {
	own, _, _ := strings.Cut(p.ID, ":")
	for i, client := range p.CognitoIdentityProviders {
		if pool, real := loginkey.UserPoolOf(client.ProviderName); real && pool.Region != own {
			all = append(all, Warning{at(path+".cognito_identity_providers", i) + ".provider_name", warnRegion})
		}
	}
	return all
}

// warnOfRoles warns of roles that are missing. A SAML assertion may bring its own.
func (p *Pool) warnOfRoles(path string) []Warning {
	users := p.Roles.Authenticated != "" || len(p.RoleMappings) > 0 || len(p.SAMLProviderARNs) > 0
	guests := p.Roles.Unauthenticated != ""
	logins := len(p.OpenIDConnectProviderARNs)+len(p.CognitoIdentityProviders)+len(p.SupportedLoginProviders) > 0 ||
		p.DeveloperProviderName != ""
	switch {
	case !users && !guests:
		return []Warning{{path, warnNoRoles}}
	case !users && logins:
		return []Warning{{path + ".authenticated", warnUsers}}
	case !guests && p.AllowUnauthenticatedIdentities:
		return []Warning{{path + ".unauthenticated", warnGuests}}
	}
	return nil
}

func (c *Config) warnOfMapping(path, key string, p *Pool) (all []Warning) {
	m, kind := p.RoleMappings[key], c.kindNamed(key)
	if m.Type == "Token" && !roleClaims(kind) {
		all = append(all, Warning{path + ".type", "is Token, and logins of kind " + string(kind) +
			" have no cognito:roles and no cognito:preferred_role: ambiguous_role_resolution decides alone" +
			attributeToo(kind)})
	}
	if m.AmbiguousRoleResolution == "AuthenticatedRole" && p.Roles.Authenticated == "" {
		all = append(all, Warning{path + ".ambiguous_role_resolution", warnDefault})
	}
	for i, rule := range m.RulesConfiguration.Rules {
		here := at(path+".rules_configuration.rules", i)
		if !mayHave(kind, rule.Claim) {
			all = append(all, Warning{here + ".claim", lacksClaim(kind)})
		}
		all = append(all, c.warnOfRole(here+".role_arn", rule.RoleARN)...)
	}
	return all
}

func (c *Config) warnOfTags(path, key string, t PrincipalTags) (all []Warning) {
	path += ".principal_tags"
	if t.UseDefaults && len(t.PrincipalTags) > 0 {
		return []Warning{{path, warnTags}}
	}
	kind := c.kindNamed(key)
	for _, tag := range slices.Sorted(maps.Keys(t.PrincipalTags)) {
		if !mayHave(kind, t.PrincipalTags[tag]) {
			all = append(all, Warning{join(path, tag), lacksClaim(kind)})
		}
	}
	return all
}

// kindNamed is the kind of the provider of a role mapping or tag map, by its key there.
func (c *Config) kindNamed(key string) loginkey.Kind {
	name := keyOf(key)
	for _, p := range c.LoginProviders {
		if p.Provider == name {
			return p.Kind
		}
	}
	kind, _ := loginkey.KindOf(name)
	return kind
}

// roleClaims reports whether logins of a kind may bring cognito:roles: those of user pools, and of
// OpenID providers that are told to.
func roleClaims(kind loginkey.Kind) bool {
	return kind == loginkey.UserPool || kind == loginkey.OIDC || kind == ""
}

func attributeToo(kind loginkey.Kind) string {
	if kind == loginkey.SAML {
		return ", and the attribute Role counts only without a role mapping"
	}
	return ""
}

// mayHave reports whether logins of a kind may have a claim. Attributes of SAML may have any name, but
// few are called as claims of ID tokens that every such token has.
func mayHave(kind loginkey.Kind, claim string) bool {
	switch kind {
	case loginkey.Facebook, loginkey.Amazon:
		return claim == "iss" || claim == "aud" || claim == "sub"
	case loginkey.SAML:
		return !strings.HasPrefix(claim, "cognito:") && !slices.Contains([]string{"iss", "aud", "sub", "exp", "iat"}, claim)
	}
	return true
}

func lacksClaim(kind loginkey.Kind) string {
	has := "iss, aud and sub alone"
	if kind == loginkey.SAML {
		has = "attributes, by their full names, in place of an ID token's claims"
	}
	return "has no effect: logins of kind " + string(kind) + " have " + has
}
