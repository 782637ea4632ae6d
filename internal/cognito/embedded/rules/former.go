package rules

import "slices"

// Former lists, in order, the names that the pool's settings hold, or those linked
// logins' providers, and that are no provider of the pool any more: an update took
// them out. What was set for a provider, and his users' logins, stay without effect
// until he is back, so that a slip of the update opens nothing: a pool whose mapping
// were gone would give its default role.
func (p *Pool) Former(linked []string) []string {
	var names []string
	for key := range p.Mappings {
		if !p.mappable(key) {
			names = append(names, key)
		}
	}
	for provider := range p.PrincipalTags {
		if !p.taggable(provider) {
			names = append(names, provider)
		}
	}
	for _, provider := range linked {
		if provider != p.DeveloperProvider && !p.Accepts(provider) {
			names = append(names, provider)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
