package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Roles are a pool's default roles, by ARN; empty means none.
type Roles struct {
	Authenticated   string `json:"authenticated,omitempty"`
	Unauthenticated string `json:"unauthenticated,omitempty"`
}

// UserPool is an app client of a Cognito user pool that a pool takes logins of.
type UserPool struct {
	// Provider is cognito-idp.<region>.amazonaws.com/<user pool>, in either spelling.
	Provider             string `json:"provider,omitempty"`
	ClientID             string `json:"clientId,omitempty"`
	ServerSideTokenCheck *bool  `json:"serverSideTokenCheck,omitempty"`
}

// Pool is an identity pool's definition.
type Pool struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	AllowGuests  bool   `json:"allowGuests"`
	AllowClassic *bool  `json:"allowClassic,omitempty"` // unset allows, docs/cognito.md#pools
	// DeveloperProvider is the name of the backends' own logins.
	DeveloperProvider string   `json:"developerProvider,omitempty"`
	OIDCProviderARNs  []string `json:"oidcProviderArns,omitempty"`
	SAMLProviderARNs  []string `json:"samlProviderArns,omitempty"`
	// GuestRetention is how long an unused guest is kept; zero is for ever.
	GuestRetention time.Duration `json:"guestRetention,omitempty"`
	// PublicProviders are SupportedLoginProviders: app id by provider.
	PublicProviders map[string]string  `json:"publicProviders,omitempty"`
	UserPools       []UserPool         `json:"userPools,omitempty"`
	Tags            map[string]string  `json:"tags,omitempty"`
	Roles           Roles              `json:"roles"`
	Mappings        map[string]Mapping `json:"mappings,omitempty"`      // by provider, see mappable
	PrincipalTags   map[string]TagMap  `json:"principalTags,omitempty"` // by provider, see CheckTagMap
}

// Mapping says how a provider's users get their role.
type Mapping struct {
	Type      string `json:"type"`                // Token or Rules
	Ambiguous string `json:"ambiguous,omitempty"` // AuthenticatedRole or Deny
	Rules     []Rule `json:"rules,omitempty"`
}

// Rule gives a role to users whose claim matches.
type Rule struct {
	Claim string `json:"claim"`
	Match string `json:"match"` // Equals, Contains, StartsWith or NotEqual
	Value string `json:"value"`
	Role  string `json:"role"`
}

// HasProviders reports whether the pool accepts logins of anyone.
func (p *Pool) HasProviders() bool {
	return p.Providers() > 0
}

// OIDCProviderARN is the pool's ARN of the OpenID provider whose key in Logins
// is provider.
func (p *Pool) OIDCProviderARN(provider string) (arn string, ok bool) {
	for _, arn := range p.OIDCProviderARNs {
		if key, ok := loginkey.OfARN(arn); ok && key == loginkey.Normal(provider) {
			return arn, true
		}
	}
	return "", false
}

// Providers is how many login providers the pool lists.
func (p *Pool) Providers() int {
	return len(p.OIDCProviderARNs) + len(p.SAMLProviderARNs) + len(p.PublicProviders) + len(p.UserPools)
}

// ProviderNames lists the pool's providers by their keys in Logins.
func (p *Pool) ProviderNames() string {
	names := slices.Clone(p.SAMLProviderARNs)
	for _, arn := range p.OIDCProviderARNs {
		key, _ := loginkey.OfARN(arn)
		names = append(names, key)
	}
	for name := range p.PublicProviders {
		names = append(names, name)
	}
	for _, u := range p.UserPools {
		names = append(names, loginkey.Normal(u.Provider))
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
