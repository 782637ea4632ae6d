package rules_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Whatever a claim is, the comparisons agree with one another, a match is of a text
// that stands in the claim, what a trace shows is bounded, and a tag is the claim's
// whole text or none.
func FuzzClaim(f *testing.F) {
	for _, seed := range []string{
		`"ops"`, `7.50`, `-1e400`, `true`, `null`, `[]`, `{}`, `["a",["b"],{"c":1},null,2]`, `{"a":"b"}`, `"\ud800"`, `"a\n"`,
		`"` + strings.Repeat("ÿ", 300) + `"`,
	} {
		f.Add(seed, "ops")
	}
	f.Add(`["dev","ops"]`, "dev,ops")
	f.Fuzz(func(t *testing.T, text, value string) {
		var claim any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&claim) != nil {
			t.Skip("no JSON")
		}
		user := []rules.Proven{atGoogle(claims{"c": claim})}
		match := func(kind string) bool {
			p := google(rulesMapping("Deny", rules.Rule{Claim: "c", Match: kind, Value: value, Role: roleA}))
			c := rules.ChooseRole(p, account, user, "")
			trace := c.Logins[0].Rules[0]
			if n := utf8.RuneCountInString(trace.Got); n > 128 || !utf8.ValidString(trace.Got) {
				t.Errorf("%s: the trace shows %d characters", kind, n)
			}
			if trace.Present != (claim != nil) || trace.Matched != (c.Role == roleA) {
				t.Errorf("%s: got %+v and role %q", kind, trace, c.Role)
			}
			return trace.Matched
		}
		equal, contains, starts, differs := match("Equals"), match("Contains"), match("StartsWith"), match("NotEqual")
		if equal && (!contains || !starts || differs) || starts && !contains {
			t.Errorf("equal %v, contains %v, starts %v, differs %v", equal, contains, starts, differs)
		}
		parts, array := claim.([]any)
		if !array {
			parts = []any{claim}
		}
		if equal != (value != "" && slices.ContainsFunc(parts, func(v any) bool { return plain(v) == value })) {
			t.Errorf("equal: got %v", equal)
		}
		p := poolOf(nil)
		p.PrincipalTags = map[string]rules.TagMap{googleID: {Tags: map[string]string{"t": "c"}}}
		tags := rules.PrincipalTags(p, user)
		if tag, ok := tags["t"]; ok && (array || tag != plain(claim) || tag == "") || len(tags) > 1 {
			t.Errorf("tags: got %d, or another text than the claim's", len(tags))
		}
		if diff := cmp.Diff(tags, rules.PrincipalTags(p, user)); diff != "" {
			t.Errorf("tags, asked twice:\n%s", diff)
		}
	})
}

// plain is the text of what has one, else nothing that a rule's value can be.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}
