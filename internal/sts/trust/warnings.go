package trust

import (
	"fmt"
	"slices"
	"strings"
)

// What IAM would save and docs/cognito.md#pitfalls warns of.
const (
	warnAnyone    = "allows tokens of any provider"
	warnAnyPool   = "allows tokens of any pool: no condition names exact values of " + keyPrefix + "aud"
	warnGuests    = "allows guests and users alike: no condition on " + keyPrefix + "amr tells them apart"
	warnNothing   = "is about no action of a web identity"
	warnNoCognito = "the policy allows tokens of Cognito nothing"
)

// Warnings tells what of a policy is valid and seldom meant, each with its line. It
// looks at each statement that allows alone: a Deny beside it may make up for what
// it lacks.
func Warnings(p *Policy) []string {
	var list []string
	cognito := false
	for n := range p.statements {
		s := &p.statements[n]
		cognito = cognito || !s.deny && s.names(provider) && matchesAny(s.actions, actionAssume, true)
		for _, text := range s.warnings() {
			list = append(list, fmt.Sprintf("line %d: statement %s %s", s.line, s.name(n), text))
		}
	}
	if !cognito {
		list = append(list, warnNoCognito)
	}
	return list
}

func (s *statement) warnings() (list []string) {
	if len(s.principals) == 0 {
		return nil // about others than web identities
	}
	assumes := matchesAny(s.actions, actionAssume, true)
	if !assumes && !matchesAny(s.actions, actionTag, true) {
		return []string{warnNothing}
	}
	if s.deny || !assumes {
		return nil
	}
	if slices.Contains(s.principals, "*") {
		list = append(list, warnAnyone)
	}
	if !slices.ContainsFunc(s.conditions, namesPools) {
		list = append(list, warnAnyPool)
	}
	if s.mixesGuests() {
		list = append(list, warnGuests)
	}
	return list
}

// namesPools reports whether the condition lets in audiences that it names, and no
// others.
func namesPools(c condition) bool {
	wild := c.like && slices.ContainsFunc(c.values, func(v string) bool { return strings.ContainsAny(v, "*?") })
	return c.isOn("aud") && !c.null && !c.negated && !c.ifExists && c.quantifier != forAll && !wild
}

func (c *condition) isOn(claim string) bool { return strings.EqualFold(c.key, keyPrefix+claim) }

// mixesGuests reports whether the conditions on amr let in a guest and a user as
// well: any user, or the one who has all that they name.
func (s *statement) mixesGuests() bool {
	guest, anyone, member := []string{"unauthenticated"}, []string{"authenticated"}, []string{"authenticated"}
	for n := range s.conditions {
		if c := &s.conditions[n]; c.isOn("amr") {
			for _, v := range c.values {
				if v != guest[0] {
					member = append(member, v)
				}
			}
		}
	}
	return s.passes(guest) && (s.passes(anyone) || s.passes(member))
}

// passes reports whether all conditions on amr hold for this one.
func (s *statement) passes(amr []string) bool {
	for n := range s.conditions {
		if c := &s.conditions[n]; c.isOn("amr") && !c.holds(&Request{AMR: amr}) {
			return false
		}
	}
	return true
}
