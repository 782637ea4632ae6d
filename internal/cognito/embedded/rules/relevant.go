package rules

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// RelevantClaim reports whether a claim of the provider's tokens can change what
// the pool answers: the role claims, and those that its rules and tag maps name.
func RelevantClaim(p *Pool, provider, claim string) bool {
	if claim == claimRoles || claim == claimPreferred {
		return true
	}
	if claim == attributeRole && p.Way(provider) == BySAML {
		return true
	}
	keys := p.settingKeys(provider)
	for key, m := range p.Mappings {
		client, isPrefix := strings.CutPrefix(p.mappingKey(key), loginkey.Normal(provider))
		of := slices.Contains(keys, key) || isPrefix && strings.HasPrefix(client, ":")
		if of && slices.ContainsFunc(m.Rules, func(r Rule) bool { return r.Claim == claim }) {
			return true
		}
	}
	m, ok := p.tagMap(provider)
	return ok && m.names(claim)
}
