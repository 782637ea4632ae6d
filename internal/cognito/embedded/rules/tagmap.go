package rules

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito"
)

// TagMap says which claims of a provider's users become session tags: claim by
// tag, or the fixed mapping of reference 4.6, whatever Tags holds.
type TagMap struct {
	UseDefaults bool              `json:"useDefaults,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// CheckTagMap refuses a map that the model's constraints let pass: of a provider
// that the pool does not have, or with tags that IAM would refuse. A user pool goes
// by its name without a client id, OpenID and SAML providers by their ARN, others
// by their domain (reference 2.3).
func CheckTagMap(p *Pool, provider string, m TagMap) error {
	if !p.taggable(provider) {
		return cognito.InvalidParameter("IdentityProviderName is not a configured provider of the pool.")
	}
	for tag := range m.Tags {
		if strings.HasPrefix(strings.ToLower(tag), "aws:") || !tagText.MatchString(tag) {
			return cognito.InvalidParameter("PrincipalTags holds a tag key with characters that tags do not take, or one that begins with aws:.")
		}
	}
	return nil
}

func (p *Pool) taggable(provider string) bool {
	if _, ok := p.PublicProviders[provider]; ok {
		return true
	}
	return slices.Contains(p.OIDCProviderARNs, provider) || slices.Contains(p.SAMLProviderARNs, provider) ||
		slices.ContainsFunc(p.UserPools, func(u UserPool) bool { return u.Provider == provider })
}
