package rules

import (
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// TagMap says which claims of a provider's users become session tags: claim by
// tag, or the fixed mapping of docs/cognito.md#session-tags, whatever Tags holds.
type TagMap struct {
	UseDefaults bool              `json:"useDefaults,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Bounds of the model, in characters.
const (
	maxTagKey   = 128
	maxTagClaim = 256
)

var errTagMap = cognito.InvalidParameter("PrincipalTags takes at most 50 tags, with keys of 1 to 128 characters and " +
	"claims of 1 to 256.")

// CheckTagMap refuses a map that the model's constraints let pass: of a provider
// that the pool does not have, or with tags that IAM would refuse, which knows no
// case of their keys. A user pool goes by its name without a client id, OpenID and
// SAML providers by their ARN, others by their domain (docs/cognito.md#pools). It holds to
// the model too, for maps that come from a file, which may name former providers.
func CheckTagMap(p *Pool, provider string, m TagMap, former ...string) error {
	if !p.taggable(provider) && !slices.Contains(former, provider) {
		return cognito.InvalidParameter("IdentityProviderName is not a configured provider of the pool.")
	}
	for name := range p.PrincipalTags {
		if name != provider && loginkey.Normal(name) == loginkey.Normal(provider) {
			return cognito.InvalidParameter("PrincipalTags are set for a provider twice, in two spellings.")
		}
	}
	if len(m.Tags) > maxTags {
		return errTagMap
	}
	for tag, claim := range m.Tags {
		if !within(tag, maxTagKey) || !within(claim, maxTagClaim) {
			return errTagMap
		}
	}
	return checkTagKeys(m.Tags)
}

// SetTagMap gives a provider's users a map in place of the one they had, under the provider's
// normal name. Maps of
// providers that the pool lists no more go then, so that they do not pile up.
func (p *Pool) SetTagMap(provider string, m TagMap) error {
	provider = loginkey.Normal(provider)
	if err := CheckTagMap(p, provider, m); err != nil {
		return err
	}
	next := map[string]TagMap{} // readers share the old one
	for name, kept := range p.PrincipalTags {
		if p.taggable(name) {
			next[name] = kept
		}
	}
	next[provider] = m
	p.PrincipalTags = next
	return nil
}

func (p *Pool) taggable(provider string) bool {
	if _, ok := p.PublicProviders[provider]; ok {
		return true
	}
	return slices.Contains(p.OIDCProviderARNs, provider) || slices.Contains(p.SAMLProviderARNs, provider) ||
		slices.ContainsFunc(p.UserPools, func(u UserPool) bool { return u.is(provider) })
}

// TagMap is the map of a provider's users, by a name that CheckTagMap takes; it is empty where
// none was set.
func (p *Pool) TagMap(provider string) TagMap {
	if m, ok := p.PrincipalTags[provider]; ok {
		return m
	}
	m, _ := p.tagMap(provider)
	return m
}
