package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Claims of logins as session tags (docs/cognito.md#session-tags).
func TestPrincipalTags(t *testing.T) {
	long := strings.Repeat("ü", 256)
	of := func(pairs ...string) rules.TagMap {
		m := rules.TagMap{Tags: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			m.Tags[pairs[i]] = pairs[i+1]
		}
		return m
	}
	type maps = map[string]rules.TagMap
	type tags = map[string]string
	for name, c := range map[string]struct {
		maps   maps
		proven []rules.Proven
		want   tags
	}{
		"guests": {maps{googleID: of("t", "c")}, nil, tags{}},
		"no map": {nil, []rules.Proven{atGoogle(claims{"c": "v"})}, tags{}},
		"a public domain": {maps{googleID: of("t", "c")}, []rules.Proven{atGoogle(claims{"c": "v", "t": "w"})},
			tags{"t": "v"}},
		"a provider's ARN": {maps{oidcKey: of("t", "c")}, []rules.Proven{at(oidcID, "x", claims{"c": "v"})},
			tags{"t": "v"}},
		"a user pool, any client": {maps{poolID: of("t", "c")}, []rules.Proven{at(poolID, "ios", claims{"c": "v"})},
			tags{"t": "v"}},
		"another provider": {maps{appleID: of("t", "c")}, []rules.Proven{atGoogle(claims{"c": "v"})}, tags{}},
		"absent and null": {maps{googleID: of("t", "c", "u", "d")}, []rules.Proven{atGoogle(claims{"d": nil})},
			tags{}},
		"numbers and booleans": {maps{googleID: of("n", "n", "b", "b")},
			[]rules.Proven{atGoogle(decoded(t, `{"n":1.50,"b":false}`))}, tags{"n": "1.50", "b": "false"}},
		"arrays and objects": {maps{googleID: of("a", "a", "o", "o")},
			[]rules.Proven{atGoogle(decoded(t, `{"a":["x"],"o":{"x":"y"}}`))}, tags{}},
		"empty": {maps{googleID: of("t", "c")}, []rules.Proven{atGoogle(claims{"c": ""})}, tags{}},
		"256 characters": {maps{googleID: of("t", "c")}, []rules.Proven{atGoogle(claims{"c": long})},
			tags{"t": long}},
		"257 characters": {maps{googleID: of("t", "c")}, []rules.Proven{atGoogle(claims{"c": long + "x"})},
			tags{}},
		"characters tags do not have": {maps{googleID: of("t", "c", "u", "d")},
			[]rules.Proven{atGoogle(claims{"c": "a*", "d": "a b@c.d"})}, tags{"u": "a b@c.d"}},
		"defaults, whatever stands there": {maps{googleID: {UseDefaults: true, Tags: map[string]string{"t": "c"}}},
			[]rules.Proven{atGoogle(claims{"c": "v"})}, tags{"client": "app", "username": "alice"}},
		"a developer user": {maps{"login.example": {UseDefaults: true}},
			[]rules.Proven{at("login.example", "x", nil)}, tags{}},
		"several providers": {maps{googleID: of("g", "c"), appleID: of("a", "c")},
			[]rules.Proven{at(appleID, "b", claims{"c": "2"}), atGoogle(claims{"c": "1"})}, tags{"g": "1", "a": "2"}},
		"the first provider wins": {maps{googleID: of("t", "c"), appleID: of("t", "c")},
			[]rules.Proven{at(appleID, "b", claims{"c": "2"}), atGoogle(claims{"c": "1"})}, tags{"t": "1"}},
		"if it has a value": {maps{googleID: of("t", "c"), appleID: of("t", "c")},
			[]rules.Proven{at(appleID, "b", claims{"c": "2"}), atGoogle(claims{"c": ""})}, tags{"t": "2"}},
		"tags that differ in case": {maps{googleID: of("Team", "c"), appleID: of("team", "c")},
			[]rules.Proven{at(appleID, "b", claims{"c": "2"}), atGoogle(claims{"c": "1"})}, tags{"Team": "1"}},
		"of one provider": {maps{googleID: of("Team", "c", "team", "d")},
			[]rules.Proven{atGoogle(claims{"c": "1", "d": "2"})}, tags{"Team": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := poolOf(nil)
			p.PrincipalTags = c.maps
			if diff := cmp.Diff(c.want, rules.PrincipalTags(p, c.proven)); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}
