package awswire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// listed joins n parts, each made of its number.
func listed(n int, part func(n int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = part(i)
	}
	return strings.Join(parts, ",")
}

// The widest inputs that the service's model allows are within the bounds.
func TestWidestInputs(t *testing.T) {
	login := func(n int) string { return fmt.Sprintf(`"p%d.example":"x"`, n) }
	name := func(n int) string { return fmt.Sprintf(`"p%d.example"`, n) }
	rule := func(int) string {
		return `{"Claim":"c","MatchType":"Equals","Value":"v","RoleARN":"arn:aws:iam::123456789012:role/r"}`
	}
	mapping := func(n int) string {
		return name(n) + `:{"Type":"Rules","AmbiguousRoleResolution":"Deny","RulesConfiguration":{"Rules":[` + listed(400, rule) + `]}}`
	}
	roles := `"authenticated":"arn:aws:iam::123456789012:role/a","unauthenticated":"arn:aws:iam::123456789012:role/u"`
	for _, tt := range []struct {
		operation, body string
		values          int
	}{
		{"UnlinkIdentity", `{"IdentityId":"` + identity + `","Logins":{` + listed(10, login) + `},"LoginsToRemove":[` + listed(10, name) + `]}`, awswire.ValuesOfApps},
		{"SetIdentityPoolRoles", `{"IdentityPoolId":"` + pool + `","Roles":{` + roles + `},"RoleMappings":{` + listed(10, mapping) + `}}`, awswire.ValuesOfCallers},
	} {
		tree, err := awswire.DecodeObject([]byte(tt.body), tt.values)
		if err != nil {
			t.Errorf("%s: got %v", tt.operation, err)
			continue
		}
		if err := cognito.Validate(tt.operation, tree); err != nil {
			t.Errorf("%s: not the model's: %v", tt.operation, err)
		}
	}
}

// Anyone's call has few values; those of a caller are not looked at before he has proven
// who he is.
func TestValuesByCaller(t *testing.T) {
	known := registry(t, person("boss", []callers.Scope{callers.Admin}, pool))
	values := func(n int) string { return `{"X":[` + strings.TrimSuffix(strings.Repeat("0,", n-2), ",") + `]}` }
	const tooMany = "The request body holds too many values."
	for _, tt := range []struct {
		name, who, operation string
		values               int
		code, text           string
	}{
		{"an app", "", "GetId", awswire.ValuesOfApps, cognito.CodeValidation, ""},
		{"an app, one more", "", "GetId", awswire.ValuesOfApps + 1, cognito.CodeSerialization, tooMany},
		{"a signed call for apps", "boss", "GetId", awswire.ValuesOfApps + 1, cognito.CodeSerialization, tooMany},
		{"a caller", "boss", "UpdateIdentityPool", awswire.ValuesOfCallers, cognito.CodeValidation, ""},
		{"a caller, one more", "boss", "UpdateIdentityPool", awswire.ValuesOfCallers + 1, cognito.CodeSerialization, tooMany},
		{"nobody as a caller", "nobody", "UpdateIdentityPool", awswire.ValuesOfCallers + 1, "UnrecognizedClientException", ""},
	} {
		r := call(tt.operation, values(tt.values))
		if tt.who != "" {
			r = signing{name: tt.who}.sign(t, r)
		}
		got := guarded(&fake{}, awswire.Config{Callers: known}).Serve(t.Context(), r)
		if got.Code != tt.code || !strings.Contains(string(got.Body), tt.text) {
			t.Errorf("%s: got %s %s, want %s %s", tt.name, got.Code, got.Body, tt.code, tt.text)
		}
	}
}
