package rules_test

import (
	"fmt"
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
	const badRule = "InvalidParameterException: A rule takes a claim of 1 to 64 characters, a value of 1 to 128, and " +
		"Equals, Contains, StartsWith or NotEqual."
	for name, c := range map[string]struct {
		mapping rules.Mapping
		want    string
	}{
		"rules": {rulesMapping("Deny", rule), ""},
		"longest": {with(func(r *rules.Rule) {
			r.Claim, r.Value = strings.Repeat("ü", 64), strings.Repeat("ü", 128)
		}), ""},
		"token": {rules.Mapping{Type: "Token", Ambiguous: "AuthenticatedRole"}, ""},
		"no resolution": {rulesMapping("", rule),
			"InvalidParameterException: AmbiguousRoleResolution is required for a role mapping."},
		"unknown resolution": {rulesMapping("Allow", rule),
			"InvalidParameterException: AmbiguousRoleResolution is AuthenticatedRole or Deny."},
		"no type": {rules.Mapping{Ambiguous: "Deny"},
			"InvalidParameterException: The type of a role mapping is Token or Rules."},
		"unknown type": {rules.Mapping{Type: "token", Ambiguous: "Deny"},
			"InvalidParameterException: The type of a role mapping is Token or Rules."},
		"no rules": {rulesMapping("Deny"),
			"InvalidParameterException: RulesConfiguration is required for a role mapping of type Rules."},
		"token with rules": {rules.Mapping{Type: "Token", Ambiguous: "Deny", Rules: []rules.Rule{rule}},
			"InvalidParameterException: RulesConfiguration is only for a role mapping of type Rules."},
		"too many rules": {rulesMapping("Deny", make([]rules.Rule, 26)...),
			"InvalidParameterException: A role mapping takes at most 25 rules."},
		"another account":  {with(func(r *rules.Rule) { r.Role = foreign }), refused(foreign)},
		"no value":         {with(func(r *rules.Rule) { r.Match, r.Value = "Contains", "" }), badRule},
		"a value too long": {with(func(r *rules.Rule) { r.Value = strings.Repeat("v", 129) }), badRule},
		"no claim":         {with(func(r *rules.Rule) { r.Claim = "" }), badRule},
		"a claim too long": {with(func(r *rules.Rule) { r.Claim = strings.Repeat("c", 65) }), badRule},
		"an unknown match": {with(func(r *rules.Rule) { r.Match = "equals" }), badRule},
		"no match":         {with(func(r *rules.Rule) { r.Match = "" }), badRule},
	} {
		got := outcome(rules.CheckRoles(google(c.mapping), account, rules.Roles{},
			map[string]rules.Mapping{googleID: c.mapping}))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Session tags know no case; and maps of claims come from files, too.
func TestCheckTagMaps(t *testing.T) {
	many := func(n int) map[string]string {
		tags := map[string]string{}
		for i := range n {
			tags[fmt.Sprint("t", i)] = "c"
		}
		return tags
	}
	const (
		badMap = "InvalidParameterException: PrincipalTags takes at most 50 tags, with keys of 1 to 128 characters and " +
			"claims of 1 to 256."
		badKey = "InvalidParameterException: PrincipalTags holds a tag key with characters that tags do not take, or one " +
			"that begins with aws:."
		sameKeys = "InvalidParameterException: PrincipalTags holds tag keys that differ in case alone."
	)
	for name, c := range map[string]struct {
		tags map[string]string
		want string
	}{
		"none": {nil, ""},
		//nolint:gocritic // with a blank, another key
		"several":             {map[string]string{"Team": "a", "Team ": "a", "größe": "b"}, ""},
		"longest":             {map[string]string{strings.Repeat("ü", 128): strings.Repeat("ü", 256)}, ""},
		"fifty":               {many(50), ""},
		"one more":            {many(51), badMap},
		"no key":              {map[string]string{"": "c"}, badMap},
		"a key too long":      {map[string]string{strings.Repeat("k", 129): "c"}, badMap},
		"no claim":            {map[string]string{"t": ""}, badMap},
		"a claim too long":    {map[string]string{"t": strings.Repeat("c", 257)}, badMap},
		"a key of AWS's":      {map[string]string{"AWS:t": "c"}, badKey},
		"a key that is none":  {map[string]string{"t#": "c"}, badKey},
		"keys in two cases":   {map[string]string{"Team": "a", "team": "b"}, sameKeys},
		"an old s":            {map[string]string{"\u017fmall": "a", "Small": "b"}, sameKeys},
		"of other alphabets":  {map[string]string{"GRÖSSE": "a", "grösse": "a"}, sameKeys},
		"one claim, two keys": {map[string]string{"Team": "a", "TEAM": "a"}, sameKeys},
	} {
		for _, defaults := range []bool{false, true} {
			if got := outcome(rules.CheckTagMap(google(rules.Mapping{}), googleID,
				rules.TagMap{Tags: c.tags, UseDefaults: defaults})); got != c.want {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		}
	}
}
