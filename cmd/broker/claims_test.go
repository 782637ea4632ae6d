package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// A claim that the pool's rules name is a part of what is cached: a changed one
// brings another role at once, any other claim does not matter.
func TestChangedClaimsAreNotServedOldRoles(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	b := startBroker(t, []string{idp.URL}, "")
	role := func(name string) *string { return aws.String("arn:aws:iam::000000000000:role/" + name) }
	_, err := b.sdkAs(admin()).SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: aws.String(demoPool), Roles: map[string]string{"authenticated": authRole},
		RoleMappings: map[string]types.RoleMapping{"arn:aws:iam::000000000000:oidc-provider/" + idp.Name(): {
			Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{
				{Claim: aws.String("plan"), MatchType: types.MappingRuleMatchTypeEquals, Value: aws.String("paid"), RoleARN: role("paid")},
				{Claim: aws.String("plan"), MatchType: types.MappingRuleMatchTypeEquals, Value: aws.String("free"), RoleARN: role("free")},
			}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, c := range []struct{ plan, mood, role, cache string }{
		{"paid", "good", "paid", "miss"},
		{"paid", "bad", "paid", "hit"},
		{"free", "bad", "free", "miss"},
		{"paid", "worse", "paid", "hit"},
		{"none", "bad", "", ""},
		{"paid", "", "paid", "hit"},
	} {
		login := map[string]string{idp.Name(): idp.Token(idptest.Claims{"plan": c.plan, "mood": c.mood})}
		if id == "" {
			if id, err = b.getID(t.Context(), demoPool, login); err != nil {
				t.Fatal(err)
			}
		}
		a := b.rest(t, demoPool, "credentials", map[string]any{"identityId": id, "logins": login})
		if a.header.Get("X-Cache") != c.cache {
			t.Errorf("%s, %s: got X-Cache %q, want %q", c.plan, c.mood, a.header.Get("X-Cache"), c.cache)
		}
		if c.role == "" {
			if a.status != 403 || a.tree["code"] != "NotAuthorizedException" {
				t.Errorf("%s: got %d %v, want a denial", c.plan, a.status, a.tree["code"])
			}
			continue
		}
		b.holds(t, a, id, c.role+"/CognitoIdentityCredentials")
	}
}
