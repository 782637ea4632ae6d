package httpapi

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
)

// No two members of a structure of the SDK, whichever the port has, share a name
// in REST, and none begins with a capital letter.
func TestNamesAreDistinct(t *testing.T) {
	port := reflect.TypeFor[cognito.API]()
	seen := map[reflect.Type]bool{}
	for i := range port.NumMethod() {
		distinct(t, port.Method(i).Type.In(1), seen)
		distinct(t, port.Method(i).Type.Out(0), seen)
	}
	if !seen[reflect.TypeFor[types.MappingRule]()] {
		t.Error("rules of role mappings were not looked at")
	}
}

func distinct(t *testing.T, s reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	switch s.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		distinct(t, s.Elem(), seen)
	}
	if s.Kind() != reflect.Struct || seen[s] || s == reflect.TypeFor[time.Time]() {
		return
	}
	seen[s] = true
	members := 0
	for i := range s.NumField() {
		if f := s.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			members++
			distinct(t, f.Type, seen)
		}
	}
	known := membersOf(s)
	if len(known) != members {
		t.Errorf("%s: got %d names of %d members", s, len(known), members)
	}
	for name := range known {
		if name[0] < 'a' || name[0] > 'z' {
			t.Errorf("%s: got %s", s, name)
		}
	}
}

func TestRESTNames(t *testing.T) {
	for member, want := range map[string]string{
		"IdentityPoolId": "identityPoolId", "RoleARN": "roleArn", "ResourceArn": "resourceArn", "SamlProviderARNs": "samlProviderArns",
		"OpenIdConnectProviderARNs": "openIdConnectProviderArns", "DeveloperUserIdentifier": "userIdentifier",
		"SourceUserIdentifier": "sourceUserIdentifier", "ServerSideTokenCheck": "serverSideTokenCheck", "TagKeys": "keys",
	} {
		if got := restName(member); got != want {
			t.Errorf("%s: got %s, want %s", member, got, want)
		}
	}
}

// What an output shows is what an input of the same members takes; keys of maps
// stay what they are.
func TestNamesBothWays(t *testing.T) {
	out := &cognitoidentity.GetIdentityPoolRolesOutput{
		IdentityPoolId: aws.String("p"), Roles: map[string]string{"RoleARN": "r"},
		RoleMappings: map[string]types.RoleMapping{"IdentityId": {
			Type:               types.RoleMappingTypeRules,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{{Claim: aws.String("c"), RoleARN: aws.String("a")}}},
		}},
	}
	const rest = `{"identityPoolId":"p","roleMappings":{"IdentityId":{"rulesConfiguration":{"rules":[{"claim":"c","roleArn":"a"}]},"type":"Rules"}},"roles":{"RoleARN":"r"}}`
	const model = `{"IdentityPoolId":"p","RoleMappings":{"IdentityId":{"RulesConfiguration":{"Rules":[{"Claim":"c","RoleARN":"a"}]},"Type":"Rules"}},"Roles":{"RoleARN":"r"}}`
	shown := restMembers(out)
	if got, _ := json.Marshal(shown); string(got) != rest {
		t.Errorf("shown: got %s, want %s", got, rest)
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(rest), &tree); err != nil {
		t.Fatal(err)
	}
	back, err := structToModel(reflect.TypeFor[cognitoidentity.SetIdentityPoolRolesInput](), tree)
	if got, _ := json.Marshal(back); err != nil || string(got) != model {
		t.Errorf("taken: got %s %v, want %s", got, err, model)
	}
	zone := time.FixedZone("", 3600)
	described := restMembers(&cognitoidentity.DescribeIdentityOutput{
		CreationDate: aws.Time(time.Date(2026, 1, 2, 3, 4, 5, 0, zone)),
	}, "Logins")
	if got, _ := json.Marshal(described); string(got) != `{"creationDate":"2026-01-02T02:04:05Z","logins":[]}` {
		t.Errorf("times: got %s", got)
	}
}

func TestQueries(t *testing.T) {
	list, untag := reflect.TypeFor[cognitoidentity.ListIdentitiesInput](), reflect.TypeFor[cognitoidentity.UntagResourceInput]()
	for _, c := range []struct {
		in          reflect.Type
		query, want string // empty: refused
	}{
		{list, "", `{}`},
		{list, "maxResults=5&nextToken=a%2Bb&hideDisabled=true", `{"hideDisabled":true,"maxResults":5,"nextToken":"a+b"}`},
		{list, "maxResults=-5&hideDisabled=false", `{"hideDisabled":false,"maxResults":-5}`},
		{untag, "keys=a&keys=b,c&keys=", `{"keys":["a","b,c",""]}`},
		{list, "maxResults=", ""}, {list, "maxResults=1.0", ""}, {list, "maxResults=1&maxResults=1", ""},
		{list, "hideDisabled", ""}, {list, "hideDisabled=1", ""}, {list, "MaxResults=1", ""}, {list, "x=", ""},
		{reflect.TypeFor[cognitoidentity.TagResourceInput](), "tags=a", ""},
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := fromQuery(c.in, query)
		got, _ := json.Marshal(tree)
		if (err != nil) != (c.want == "") || err == nil && string(got) != c.want {
			t.Errorf("%q: got %s %v, want %s", c.query, got, err, c.want)
		}
	}
}
