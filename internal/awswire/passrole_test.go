package awswire_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

const roles = "arn:aws:iam::" + account + ":role/"

// setRoles is the body of a call: default roles, and a mapping of each JSON text.
func setRoles(t *testing.T, defaults map[string]string, mappings ...string) string {
	t.Helper()
	text, err := json.Marshal(defaults)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"IdentityPoolId":"` + pool + `","Roles":` + string(text)
	for i, m := range mappings {
		mappings[i] = fmt.Sprintf(`"p%d":%s`, i, m)
	}
	if len(mappings) > 0 {
		body += `,"RoleMappings":{` + strings.Join(mappings, ",") + `}`
	}
	return body + "}"
}

// rules is a mapping whose rules give these roles.
func rules(kind string, names ...string) string {
	var list []string
	for _, name := range names {
		list = append(list, `{"Claim":"c","MatchType":"Equals","Value":"v","RoleARN":"`+roles+name+`"}`)
	}
	return `{"Type":"` + kind + `","AmbiguousRoleResolution":"Deny","RulesConfiguration":{"Rules":[` + strings.Join(list, ",") + `]}}`
}

// Every role that a call names, wherever it stands, has to be one that the caller
// may pass; the first that is not is named, and the API is not called.
func TestPassRole(t *testing.T) {
	const token = `{"Type":"Token","AmbiguousRoleResolution":"Deny"}`
	team := []string{roles + "team-*"}
	tests := []struct {
		name  string
		pools string
		pass  []string
		body  string
		want  string // the role that is refused; empty: none
	}{
		{"default, all pools", callers.AnyPool, nil, setRoles(t, map[string]string{"authenticated": roles + "Admin"}, rules("Rules", "Admin"), token), ""},
		{"default, one pool", pool, nil, setRoles(t, map[string]string{"authenticated": roles + "team-a"}), "team-a"},
		{"no role at all", pool, nil, setRoles(t, map[string]string{}), ""},
		{"own roles", pool, team, setRoles(t, map[string]string{"authenticated": roles + "team-a", "unauthenticated": roles + "team-b"}, rules("Rules", "team-c", "team-d")), ""},
		{"authenticated", pool, team, setRoles(t, map[string]string{"authenticated": roles + "Admin", "unauthenticated": roles + "team-b"}), "Admin"},
		{"unauthenticated", pool, team, setRoles(t, map[string]string{"authenticated": roles + "team-a", "unauthenticated": roles + "Admin"}), "Admin"},
		{"the first of two", pool, team, setRoles(t, map[string]string{"unauthenticated": roles + "Second", "authenticated": roles + "First"}), "First"},
		{"a rule", pool, team, setRoles(t, map[string]string{}, rules("Rules", "Admin")), "Admin"},
		{"the last rule of the last mapping", pool, team, setRoles(t, map[string]string{}, rules("Rules", "team-a"), rules("Rules", "team-b", "Admin")), "Admin"},
		{"a rule under type Token", pool, []string{"arn:aws:iam::*:role/*"}, setRoles(t, map[string]string{}, rules("Token", "Admin")), ""},
		{"a foreign rule under type Token", pool, team, setRoles(t, map[string]string{}, rules("Token", "Admin")), "Admin"},
		{"tokens choose", pool, team, setRoles(t, map[string]string{"authenticated": roles + "team-a"}, token), "*"},
		{"tokens choose, with the right to all", pool, []string{roles + "*"}, setRoles(t, map[string]string{"authenticated": roles + "team-a"}, token), ""},
		{"all pools, no role", callers.AnyPool, []string{}, setRoles(t, map[string]string{"authenticated": roles + "team-a"}), "team-a"},
	}
	for _, tt := range tests {
		who := person("local", []callers.Scope{callers.Admin}, tt.pools)
		who.PassRoles = tt.pass
		f := &fake{}
		got := guarded(f, awswire.Config{Callers: registry(t, who)}).Serve(t.Context(), signing{name: "local"}.sign(t, call("SetIdentityPoolRoles", tt.body)))
		if tt.want == "" {
			if got.Status != 200 || len(f.calls) != 1 {
				t.Errorf("%s: got %d %s", tt.name, got.Status, got.Body)
			}
			continue
		}
		want := `{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::` + account + `:user/local is not authorized to perform: iam:PassRole on resource: ` +
			roles + tt.want + ` because no identity-based policy allows the iam:PassRole action"}`
		if got.Status != 400 || string(got.Body) != want || len(f.calls) > 0 {
			t.Errorf("%s: got %d %s, calls %v\nwant %s", tt.name, got.Status, got.Body, f.calls, want)
		}
	}
}

// Without a caller in the context no role is given, whoever forgot to name one.
func TestCallPassesNoRoleForNobody(t *testing.T) {
	f := &fake{}
	tree := decoded(t, setRoles(t, map[string]string{"authenticated": roles + "a"}))
	in, err := awswire.Input[cognitoidentity.SetIdentityPoolRolesInput]("SetIdentityPoolRoles", tree)
	if err != nil {
		t.Fatal(err)
	}
	_, err = awswire.Call(t.Context(), f, "SetIdentityPoolRoles", cognito.API.SetIdentityPoolRoles, in)
	if err == nil || cognito.Public(err).ErrorCode() != "MissingAuthenticationTokenException" || len(f.calls) > 0 {
		t.Errorf("got %v and calls %v, want a refusal", err, f.calls)
	}
}
