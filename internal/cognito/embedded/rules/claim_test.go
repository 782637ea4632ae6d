package rules_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// claims are a token's.
type claims map[string]any

func (c claims) Claim(name string) (any, bool) { v, ok := c[name]; return v, ok }

// decoded reads claims as the login package does.
func decoded(t *testing.T, text string) claims {
	t.Helper()
	var c claims
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// One rule against one claim (docs/cognito.md#roles-from-rules, docs/fidelity.md#roles).
func TestRuleMatches(t *testing.T) {
	for _, c := range []struct {
		claims       string
		match, value string
		want         bool
	}{
		{`{"c":"admin"}`, "Equals", "admin", true},
		{`{"c":"admin"}`, "Equals", "Admin", false},
		{`{"c":"admin"}`, "Equals", "adm", false},
		{`{"c":"admin"}`, "Equals", "admin*", false},
		{`{"c":"adm*"}`, "Equals", "adm*", true},
		{`{"c":"admin"}`, "Contains", "dmi", true},
		{`{"c":"admin"}`, "Contains", "DMI", false},
		{`{"c":"admin"}`, "StartsWith", "adm", true},
		{`{"c":"admin"}`, "StartsWith", "dmi", false},
		{`{"c":"admin"}`, "StartsWith", "Adm", false},
		{`{"c":"admin"}`, "NotEqual", "admin", false},
		{`{"c":"admin"}`, "NotEqual", "Admin", true},
		{`{"c":""}`, "NotEqual", "admin", true},
		{`{}`, "Equals", "admin", false},
		{`{}`, "Contains", "a", false},
		{`{}`, "StartsWith", "a", false},
		{`{}`, "NotEqual", "admin", false},
		{`{"c":null}`, "NotEqual", "admin", false},
		{`{"c":null}`, "Equals", "null", false},
		{`{"C":"admin"}`, "Equals", "admin", false},

		{`{"c":42}`, "Equals", "42", true},
		{`{"c":42.0}`, "Equals", "42", false},
		{`{"c":1e3}`, "Equals", "1e3", true},
		{`{"c":12345678901234567890}`, "Equals", "12345678901234567890", true},
		{`{"c":42}`, "NotEqual", "42", false},
		{`{"c":true}`, "Equals", "true", true},
		{`{"c":false}`, "NotEqual", "true", true},
		{`{"c":true}`, "Equals", "True", false},

		{`{"c":["dev","admin"]}`, "Equals", "admin", true},
		{`{"c":["dev","admins"]}`, "Equals", "admin", false},
		{`{"c":["dev","admins"]}`, "Contains", "min", true},
		{`{"c":["dev","admins"]}`, "Contains", "vad", false},
		{`{"c":["dev","admins"]}`, "Contains", "dev,admins", false},
		{`{"c":["dev","admins"]}`, "StartsWith", "admin", true},
		{`{"c":["dev","admin"]}`, "NotEqual", "admin", false},
		{`{"c":["dev","ops"]}`, "NotEqual", "admin", true},
		{`{"c":[1,true]}`, "Equals", "true", true},
		{`{"c":[]}`, "Equals", "admin", false},
		{`{"c":[]}`, "NotEqual", "admin", false},
		{`{"c":[["admin"]]}`, "Equals", "admin", false},
		{`{"c":["dev",["admin"]]}`, "NotEqual", "admin", false},
		{`{"c":["dev",{"n":"admin"}]}`, "NotEqual", "admin", false},
		{`{"c":["dev",null]}`, "NotEqual", "admin", false},

		{`{"c":{"n":"admin"}}`, "Equals", "admin", false},
		{`{"c":{"n":"admin"}}`, "Contains", "admin", false},
		{`{"c":{"n":"admin"}}`, "StartsWith", "{", false},
		{`{"c":{"n":"admin"}}`, "NotEqual", "x", false},
		{`{"c":"admin"}`, "Matches", "admin", false},
		{`{"c":"admin"}`, "", "admin", false},
		{`{"c":"admin"}`, "Contains", "", false},
		{`{"c":"admin"}`, "StartsWith", "", false},
		{`{"c":"admin"}`, "NotEqual", "", false},
	} {
		p := google(rulesMapping("Deny", rules.Rule{Claim: "c", Match: c.match, Value: c.value, Role: roleA}))
		got := rules.ChooseRole(p, account, []rules.Proven{atGoogle(decoded(t, c.claims))}, "")
		if (got.Role == roleA) != c.want || got.Logins[0].Rules[0].Matched != c.want {
			t.Errorf("%s %s %q: got role %q, matched %v, want %v", c.claims, c.match, c.value, got.Role,
				got.Logins[0].Rules[0].Matched, c.want)
		}
	}
}
