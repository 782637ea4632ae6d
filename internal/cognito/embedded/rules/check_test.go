package rules_test

import (
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Mappings also come from files, which no model has looked at: what it would refuse
// must not become a rule that all users match.
func TestCheckMappings(t *testing.T) {
	rule := equals("c", "v", roleA)
	with := func(change func(*rules.Rule)) rules.Mapping {
		r := rule
		change(&r)
		return rulesMapping("Deny", r)
	}
	const badRule = "InvalidParameterException: A rule takes a claim of 1 to 64 characters, a value of 1 to 128, and Equals, Contains, StartsWith or NotEqual."
	for name, c := range map[string]struct {
		mapping rules.Mapping
		want    string
	}{
		"rules":              {rulesMapping("Deny", rule), ""},
		"longest":            {with(func(r *rules.Rule) { r.Claim, r.Value = strings.Repeat("ü", 64), strings.Repeat("ü", 128) }), ""},
		"token":              {rules.Mapping{Type: "Token", Ambiguous: "AuthenticatedRole"}, ""},
		"no resolution":      {rulesMapping("", rule), "InvalidParameterException: AmbiguousRoleResolution is required for a role mapping."},
		"unknown resolution": {rulesMapping("Allow", rule), "InvalidParameterException: AmbiguousRoleResolution is AuthenticatedRole or Deny."},
		"no type":            {rules.Mapping{Ambiguous: "Deny"}, "InvalidParameterException: The type of a role mapping is Token or Rules."},
		"unknown type":       {rules.Mapping{Type: "token", Ambiguous: "Deny"}, "InvalidParameterException: The type of a role mapping is Token or Rules."},
		"no rules":           {rulesMapping("Deny"), "InvalidParameterException: RulesConfiguration is required for a role mapping of type Rules."},
		"token with rules":   {rules.Mapping{Type: "Token", Ambiguous: "Deny", Rules: []rules.Rule{rule}}, "InvalidParameterException: RulesConfiguration is only for a role mapping of type Rules."},
		"too many rules":     {rulesMapping("Deny", make([]rules.Rule, 26)...), "InvalidParameterException: A role mapping takes at most 25 rules."},
		"another account":    {with(func(r *rules.Rule) { r.Role = foreign }), refused(foreign)},
		"no value":           {with(func(r *rules.Rule) { r.Match, r.Value = "Contains", "" }), badRule},
		"a value too long":   {with(func(r *rules.Rule) { r.Value = strings.Repeat("v", 129) }), badRule},
		"no claim":           {with(func(r *rules.Rule) { r.Claim = "" }), badRule},
		"a claim too long":   {with(func(r *rules.Rule) { r.Claim = strings.Repeat("c", 65) }), badRule},
		"an unknown match":   {with(func(r *rules.Rule) { r.Match = "equals" }), badRule},
		"no match":           {with(func(r *rules.Rule) { r.Match = "" }), badRule},
	} {
		got := outcome(rules.CheckRoles(google(c.mapping), account, rules.Roles{}, map[string]rules.Mapping{googleID: c.mapping}))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
