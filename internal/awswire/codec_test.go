package awswire

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito"
)

func TestEncode(t *testing.T) {
	at := func(ms int64) *time.Time { return aws.Time(time.UnixMilli(ms)) }
	tests := []struct {
		name string
		out  any
		want string
	}{
		{"nothing set", &cognitoidentity.GetIdOutput{}, `{}`},
		{"no members", &cognitoidentity.TagResourceOutput{}, `{}`},
		{"a value", cognitoidentity.GetIdOutput{IdentityId: aws.String("")}, `{"IdentityId":""}`},
		{"times", &cognitoidentity.DescribeIdentityOutput{CreationDate: at(1538078988077), LastModifiedDate: at(1538078988000)},
			`{"CreationDate":1538078988.077,"LastModifiedDate":1538078988}`},
		{"odd times", &cognitoidentity.DescribeIdentityOutput{CreationDate: at(-1500), LastModifiedDate: aws.Time(time.Unix(0, 999))},
			`{"CreationDate":-1.500,"LastModifiedDate":0}`},
		{"far time", &types.Credentials{Expiration: aws.Time(time.Unix(253402300799, 0))}, `{"Expiration":253402300799}`},
		{"lists", &cognitoidentity.ListIdentitiesOutput{Identities: []types.IdentityDescription{
			{IdentityId: aws.String("a"), Logins: []string{"x", "y"}}, {Logins: []string{}}}},
			`{"Identities":[{"IdentityId":"a","Logins":["x","y"]},{"Logins":[]}]}`},
		{"numbers and enums", &cognitoidentity.DeleteIdentitiesOutput{UnprocessedIdentityIds: []types.UnprocessedIdentityId{
			{ErrorCode: types.ErrorCodeAccessDenied}, {}}},
			`{"UnprocessedIdentityIds":[{"ErrorCode":"AccessDenied"},{}]}`},
		{"maps in order", &cognitoidentity.GetIdentityPoolRolesOutput{Roles: map[string]string{"b": "2", "a": "1"},
			RoleMappings: map[string]types.RoleMapping{"k": {Type: types.RoleMappingTypeToken}}},
			`{"RoleMappings":{"k":{"Type":"Token"}},"Roles":{"a":"1","b":"2"}}`},
		{"flags", &cognitoidentity.DescribeIdentityPoolOutput{IdentityPoolTags: map[string]string{}, AllowClassicFlow: aws.Bool(false)},
			`{"AllowUnauthenticatedIdentities":false,"AllowClassicFlow":false,"IdentityPoolTags":{}}`},
		{"long", &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{TokenDuration: aws.Int64(math.MaxInt64)}, `{"TokenDuration":9223372036854775807}`},
		{"texts", &cognitoidentity.GetIdOutput{IdentityId: aws.String("<a&b>\"\\\n\x00é\u2028\xff")},
			`{"IdentityId":"<a&b>\"\\\n\u0000é\u2028\ufffd"}`},
	}
	for _, tt := range tests {
		got, err := encode(tt.out)
		if err != nil || string(got) != tt.want || !json.Valid(got) {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
	for _, bad := range []any{nil, "text", (*cognitoidentity.GetIdOutput)(nil), struct{ F func() }{func() {}}} {
		if got, err := encode(bad); err == nil {
			t.Errorf("%T: got %s, want an error", bad, got)
		}
	}
}

func TestDecodeIntoSDK(t *testing.T) {
	body := `{"IdentityPoolId":"p","Roles":{"authenticated":"r"},"Unknown":{"a":1},"ResultMetadata":{},"identityPoolId":"q",
		"RoleMappings":{"k":{"Type":"Rules","AmbiguousRoleResolution":null,"RulesConfiguration":{"Rules":[{"Claim":"c","MatchType":"Equals"}]}}}}`
	tree, err := DecodeObject([]byte(body), ValuesOfCallers)
	if err != nil {
		t.Fatal(err)
	}
	var got cognitoidentity.SetIdentityPoolRolesInput
	if err := decode(&got, tree); err != nil {
		t.Fatal(err)
	}
	want := cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: aws.String("p"), Roles: map[string]string{"authenticated": "r"},
		RoleMappings: map[string]types.RoleMapping{"k": {
			Type: types.RoleMappingTypeRules,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{
				{Claim: aws.String("c"), MatchType: types.MappingRuleMatchTypeEquals},
			}},
		}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(want, types.RoleMapping{}, types.RulesConfigurationType{}, types.MappingRule{})); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}

	var scalars struct {
		Flag  bool
		Maybe *bool
		Small int32
		Large *int64
		When  *time.Time
	}
	tree, err = DecodeObject([]byte(`{"Flag":true,"Maybe":false,"Small":60,"Large":86400,"When":1.5E9}`), ValuesOfCallers)
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(&scalars, tree); err != nil {
		t.Fatal(err)
	}
	if !scalars.Flag || scalars.Maybe == nil || *scalars.Maybe || scalars.Small != 60 || *scalars.Large != 86400 || scalars.When.Unix() != 1500000000 {
		t.Errorf("got %+v, want what was sent", scalars)
	}
}

// What did not pass validation is refused all the same, by name alone.
func TestDecodeMisfits(t *testing.T) {
	type in struct {
		Text  *string
		Flag  bool
		Small int32
		When  *time.Time
		Map   map[string]string
		List  []string
		Part  *struct{ Text string }
		Odd   map[int]string
		Func  func()
	}
	for _, body := range []string{
		`{"Text":1}`, `{"Text":{}}`, `{"Flag":"SECRET"}`, `{"Small":1.5}`, `{"Small":2147483648}`, `{"Small":"1"}`,
		`{"When":"SECRET"}`, `{"When":1e999}`, `{"Map":[]}`, `{"Map":{"a":1}}`, `{"Map":{"a":null}}`,
		`{"List":{}}`, `{"List":[1]}`, `{"List":[null]}`, `{"Part":[]}`, `{"Part":{"Text":[]}}`, `{"Odd":{"a":"b"}}`, `{"Func":"x"}`,
	} {
		tree, err := DecodeObject([]byte(body), ValuesOfCallers)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		err = decode(&in{}, tree)
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != cognito.CodeSerialization {
			t.Errorf("%s: got %v, want %s", body, err, cognito.CodeSerialization)
		}
	}
}

// What encode writes, DecodeObject and decode read back.
func TestEncodeDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := cognitoidentity.GetCredentialsForIdentityInput{
			IdentityId:    aws.String(text.Draw(t, "id")),
			Logins:        rapid.MapOf(text, text).Draw(t, "logins"),
			CustomRoleArn: rapid.Ptr(text, true).Draw(t, "role"),
		}
		body, err := encode(&want)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := DecodeObject(body, ValuesOfCallers)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var got cognitoidentity.GetCredentialsForIdentityInput
		if err := decode(&got, tree); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(want)); diff != "" {
			t.Fatalf("input (-want +got):\n%s", diff)
		}
	})
}
