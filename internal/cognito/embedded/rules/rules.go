// Package rules holds what Amazon Cognito identity pools decide, on plain
// values: who may use an identity, which logins become linked, which role is
// assumed. It knows no clock, no store and no wire; its refusals are the
// service's own errors with the service's texts (cognito).
package rules

import (
	"strings"
	"time"
)

// State is an identity's state (reference 3.2). The zero State permits nothing.
type State uint8

// The states of an identity.
const (
	// Guest: no login was ever linked; the id alone is the proof.
	Guest State = 1
	// Authenticated: every call needs a login of this identity.
	Authenticated State = 2
	// Disabled: lost a merge or its last login; for good.
	Disabled State = 3
)

// Identity is one identity of a pool.
type Identity struct {
	ID       string
	Pool     string
	State    State
	Created  time.Time
	Modified time.Time
}

// Login is a user of a provider, as the provider names both.
type Login struct {
	Provider string // key in Logins
	Subject  string
}

// Roles are a pool's default roles, by ARN; empty means none.
type Roles struct {
	Authenticated   string `json:"authenticated,omitempty"`
	Unauthenticated string `json:"unauthenticated,omitempty"`
}

// Pool is an identity pool's definition.
type Pool struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	AllowGuests  bool   `json:"allowGuests"`
	AllowClassic *bool  `json:"allowClassic,omitempty"` // unset allows, reference 2.3
	// DeveloperProvider is the name of the backends' own logins.
	DeveloperProvider string   `json:"developerProvider,omitempty"`
	OIDCProviderARNs  []string `json:"oidcProviderArns,omitempty"`
	Roles             Roles    `json:"roles"`
}

// HasProviders reports whether the pool accepts logins of anyone.
func (p *Pool) HasProviders() bool { return len(p.OIDCProviderARNs) > 0 }

// Accepts reports whether the pool lists the provider whose key in Logins is
// provider: for OIDC the issuer without scheme, which an ARN ends in.
func (p *Pool) Accepts(provider string) bool {
	for _, arn := range p.OIDCProviderARNs {
		if _, name, ok := strings.Cut(arn, ":oidc-provider/"); ok && name == provider {
			return true
		}
	}
	return false
}
