package cognito

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/google/go-cmp/cmp"
)

// Forms that no served operation uses yet, on shapes of later ones.
func TestForms(t *testing.T) {
	var (
		limit    = &shape{kind: kindInteger, min: 1, max: 60}
		duration = &shape{kind: kindLong, min: 1, max: 86400}
		kindOf   = &shape{kind: kindString, enum: []string{"Token", "Rules"}}
		name     = &shape{kind: kindString, min: 2, max: 3}
		secret   = &shape{kind: kindString, min: 3, sensitive: true}
		names    = &shape{kind: kindList, min: 1, max: 12, element: name}
		rule     = &shape{kind: kindStructure, members: []member{required("Claim", name), optional("RoleARN", name)}}
		all      = input(
			optional("Max", limit), optional("Duration", duration), optional("Type", kindOf),
			optional("Names", names), optional("Secret", secret), optional("At", &shape{kind: kindTimestamp}),
			optional("Rules", &shape{kind: kindList, element: rule}),
			optional("Mappings", &shape{kind: kindMap, key: name, value: rule}),
			optional("Tags", &shape{kind: kindMap, key: name, value: name}),
			optional("Free", &shape{kind: kindMap, key: name, value: &shape{kind: kindString}}),
			optional("On", &shape{kind: kindBoolean}),
		)
	)
	n := func(s string) json.Number { return json.Number(s) }
	many := make([]any, 13)
	for i := range many {
		many[i] = "ab"
	}
	bad := make([]any, 300)
	for i := range bad {
		bad[i] = map[string]any{}
	}
	const null = "failed to satisfy constraint: Member must not be null"
	tests := []struct {
		name string
		in   map[string]any
		want string
	}{
		{"nothing", nil, ""},
		{"limit 0", map[string]any{"Max": n("0")},
			"Value '0' at 'max' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"limit 1", map[string]any{"Max": n("1")}, ""},
		{"limit 60", map[string]any{"Max": n("60")}, ""},
		{"limit 61", map[string]any{"Max": n("61")},
			"Value '61' at 'max' failed to satisfy constraint: Member must have value less than or equal to 60"},
		{"limit as fraction", map[string]any{"Max": n("1.5")}, "NUMBER_VALUE can not be converted to an Integer: max"},
		{"limit beyond 32 bits", map[string]any{"Max": n("2147483648")},
			"NUMBER_VALUE can not be converted to an Integer: max"},
		{"limit as text", map[string]any{"Max": "1"}, "STRING_VALUE can not be converted to an Integer: max"},
		{"long beyond 32 bits", map[string]any{"Duration": n("2147483648")}, "less than or equal to 86400"},
		{"long beyond 64 bits", map[string]any{"Duration": n("9223372036854775808")},
			"NUMBER_VALUE can not be converted to a Long: duration"},
		{"enum", map[string]any{"Type": "Rules"}, ""},
		{"not of the enum", map[string]any{"Type": "rules"},
			"Value 'rules' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [Token, Rules]"},
		{"list empty", map[string]any{"Names": []any{}},
			"Value '[]' at 'names' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"list at bound", map[string]any{"Names": many[:12]}, ""},
		{"list over", map[string]any{"Names": many},
			"Value '[ab, ab, ab, ab, ab, ab, ab, ab, ab, ab, ...]' at 'names' failed to satisfy constraint: Member must have " +
				"length less than or equal to 12"},
		{"element", map[string]any{"Names": []any{"ab", "a"}},
			"Value '[ab, a]' at 'names' failed to satisfy constraint: Member must satisfy constraint: [Member must have " +
				"length less than or equal to 3, Member must have length greater than or equal to 2]"},
		{"element null", map[string]any{"Names": []any{nil}}, "Value '[null]' at 'names'"},
		{"element type", map[string]any{"Names": []any{true}},
			"BOOLEAN_VALUE can not be converted to a String: names.member"},
		{"secret", map[string]any{"Secret": "xy"},
			"Value at 'secret' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"structures", map[string]any{"Rules": []any{map[string]any{"Claim": "ab"}, map[string]any{"RoleARN": "a"}}},
			"2 validation errors detected: Value null at 'rules.2.member.claim' " + null +
				"; Value 'a' at 'rules.2.member.roleARN'"},
		{"structure null", map[string]any{"Rules": []any{nil}}, "Value null at 'rules.1.member' " + null},
		{"structure type", map[string]any{"Rules": []any{"x"}},
			"STRING_VALUE can not be converted to a Structure: rules.1.member"},
		{"map of structures", map[string]any{"Mappings": map[string]any{"ab": map[string]any{}}},
			"Value null at 'mappings.ab.member.claim' " + null},
		{"map of structures, key", map[string]any{"Mappings": map[string]any{"a": map[string]any{"Claim": "ab"}}},
			"Value '{a=}' at 'mappings' failed to satisfy constraint: Map keys must satisfy constraint: ["},
		{"map with values", map[string]any{"Tags": map[string]any{"ab": "x"}},
			"Value '{ab=x}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: ["},
		{"null where nothing has a least length", map[string]any{"Free": map[string]any{"ab": nil}},
			"Value '{ab=null}' at 'free' failed to satisfy constraint: Map value must satisfy constraint: [Member must not be " +
				"null]"},
		{"time", map[string]any{"At": n("1.5")}, ""},
		{"time as text", map[string]any{"At": "2020-01-01T00:00:00Z"},
			"STRING_VALUE can not be converted to a Timestamp: at"},
		{"flag", map[string]any{"On": false}, ""},
		{"flag as text", map[string]any{"On": "true"}, "STRING_VALUE can not be converted to a Boolean: on"},
		{"very many", map[string]any{"Rules": bad}, "20 validation errors detected: "},
	}
	for _, tt := range tests {
		var c check
		c.structure(all, "", tt.in)
		got := ""
		if err := c.result(); err != nil {
			got = err.Error()
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTree(t *testing.T) {
	got := tree(&cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: aws.String("p"),
		Roles:          map[string]string{"authenticated": "r"},
		RoleMappings: map[string]types.RoleMapping{"k": {
			Type: types.RoleMappingTypeRules,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{
				{Claim: aws.String(""), MatchType: types.MappingRuleMatchTypeEquals},
			}},
		}},
	})
	want := map[string]any{
		"IdentityPoolId": "p",
		"Roles":          map[string]any{"authenticated": "r"},
		"RoleMappings": map[string]any{"k": map[string]any{
			"Type": "Rules",
			"RulesConfiguration": map[string]any{"Rules": []any{
				map[string]any{"Claim": "", "MatchType": "Equals"},
			}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	got = tree(cognitoidentity.CreateIdentityPoolInput{AllowClassicFlow: aws.Bool(false)})
	if diff := cmp.Diff(map[string]any{"AllowClassicFlow": false, "AllowUnauthenticatedIdentities": false},
		got); diff != "" {
		t.Errorf("pool (-want +got):\n%s", diff)
	}
	got = tree(&cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{TokenDuration: aws.Int64(5)})
	if diff := cmp.Diff(map[string]any{"TokenDuration": json.Number("5")}, got); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
}
