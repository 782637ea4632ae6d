package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
)

// An administrator of one pool gives it no role that he may not pass, by the wire
// or REST, before the engine and in front of it; what was cached is still served.
func TestPassRole(t *testing.T) {
	t.Parallel()
	engine := startBroker(t, nil, "")
	for name, b := range map[string]*instance{"engine": engine, "in front": startUpstream(t, engine, engine.url, "")} {
		t.Run(name, func(t *testing.T) { checkPassRole(t, b, engine.provider()) })
	}
}

func checkPassRole(t *testing.T, b *instance, provider string) {
	const organization = "arn:aws:iam::000000000000:role/OrganizationAdmin"
	steward := b.sdkAs(credentials.NewStaticCredentialsProvider(stewardKey, stewardSecret, ""))
	key := "arn:aws:iam::000000000000:oidc-provider/" + provider
	set := func(roles map[string]string, mapped *types.RoleMapping) error {
		in := &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: aws.String(demoPool), Roles: roles}
		if mapped != nil {
			in.RoleMappings = map[string]types.RoleMapping{key: *mapped}
		}
		_, err := steward.SetIdentityPoolRoles(t.Context(), in)
		return err
	}
	own := map[string]string{"authenticated": authRole, "unauthenticated": unauthRole}
	if err := set(own, nil); err != nil {
		t.Fatalf("own roles: got %v", err)
	}
	id, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	cached := func(want string) {
		t.Helper()
		if got := b.rest(t, demoPool, "credentials", map[string]any{"identityId": id}).header.Get("X-Cache"); got != want {
			t.Errorf("got X-Cache %q, want %q", got, want)
		}
	}
	cached("miss")
	const text = "User: arn:aws:iam::000000000000:user/steward is not authorized to perform: iam:PassRole on resource: " + organization +
		" because no identity-based policy allows the iam:PassRole action"
	rule := types.MappingRule{Claim: aws.String("sub"), MatchType: types.MappingRuleMatchTypeEquals, Value: aws.String("mallory"), RoleARN: aws.String(organization)}
	for name, err := range map[string]error{
		"default role": set(map[string]string{"authenticated": organization}, nil),
		"rule": set(own, &types.RoleMapping{Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{rule}}}),
	} {
		refused, ok := errors.AsType[smithy.APIError](err)
		if !ok || refused.ErrorCode() != "AccessDeniedException" || refused.ErrorMessage() != text {
			t.Errorf("%s: got %v, want AccessDeniedException %s", name, err, text)
		}
	}
	a := restRoute{}.with(t, b, put, "/v1/pools/"+demoPool+"/roles", `{"roles":{"unauthenticated":"`+organization+`"}}`, stewardAPIKey)
	if a.status != 403 || a.tree["code"] != "AccessDeniedException" || a.tree["detail"] != text {
		t.Errorf("REST: got %d %s, want 403 with the same text", a.status, a.body)
	}
	cached("hit")
	if a := (restRoute{}).with(t, b, get, "/v1/pools/"+demoPool+"/roles", "", stewardAPIKey); !strings.Contains(string(a.body), authRole) || strings.Contains(string(a.body), organization) {
		t.Errorf("roles afterwards: got %s, want those of before", a.body)
	}
}
