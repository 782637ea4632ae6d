package embedded_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// An explanation names what decided, holds nothing of a token but claims that
// rules name, and agrees with what the call itself brings.
func TestExplain(t *testing.T) {
	j := newJudged(t, trusting(t, `"sts:AssumeRoleWithWebIdentity"`, map[string]string{
		"trusted": `"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`,
		"closed":  `"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:00"}`,
	}))
	first, second := j.idps[0], j.idps[1]
	rule := func(value, role string) types.MappingRule {
		return types.MappingRule{Claim: aws.String("plan"), MatchType: types.MappingRuleMatchTypeEquals,
			Value: aws.String(value), RoleARN: aws.String(rolePrefix + role)}
	}
	_, err := j.engine.SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: aws.String(open),
		Roles: map[string]string{"authenticated": rolePrefix + contract.Authenticated,
			"unauthenticated": rolePrefix + contract.Unauthenticated},
		RoleMappings: map[string]types.RoleMapping{"arn:aws:iam::" + account + ":oidc-provider/" + first.Name(): {
			Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{rule("paid", "trusted"),
				rule("odd", "closed")}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := func(i *idptest.Issuer, claims idptest.Claims) map[string]string {
		return map[string]string{i.Name(): i.Token(claims)}
	}
	guest, err := j.engine.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(open)})
	if err != nil {
		t.Fatal(err)
	}
	denied := "NotAuthorizedException: The ambiguous role mapping rules for: " + first.Name() + " denied this request."
	for name, c := range map[string]struct {
		question cognito.Question
		want     string // granted role by name, or the refusal
		part     string // of the steps
	}{
		"a rule matches": {cognito.Question{Pool: open,
			Logins: at(first, idptest.Claims{"plan": "paid", "secret": "hush"})}, "trusted",
			`rule 1: plan Equals "paid": the claim is "paid"`},
		"no rule matches": {cognito.Question{Pool: open, Logins: at(first, idptest.Claims{"plan": "free"})}, denied,
			`rule 2: plan Equals "odd": the claim is "free"`},
		"the claim is absent": {cognito.Question{Pool: open, Logins: at(first, nil)}, denied, "the claim is absent"},
		"the role's trust": {cognito.Question{Pool: open, Logins: at(first, idptest.Claims{"plan": "odd"})},
			"InvalidIdentityPoolConfigurationException: " + cognito.MsgPoolConfiguration,
			"condition StringEquals on cognito-identity.amazonaws.com:aud does not hold"},
		"a role by name": {cognito.Question{Pool: open, Logins: at(first, idptest.Claims{"plan": "paid"}),
			Role: rolePrefix + "closed"}, "NotAuthorizedException: Access to Role '" + rolePrefix + "closed' is forbidden.",
			"offers CustomRoleArn"},
		"no mapping": {cognito.Question{Pool: open, Logins: at(second, nil)}, contract.Authenticated,
			"a new identity would be made"},
		"another client": {cognito.Question{Pool: open, Logins: at(second, idptest.Claims{"aud": "other"})},
			"NotAuthorizedException: Invalid login token. Incorrect token audience.", "client_ids does not list"},
		"a provider not listed": {cognito.Question{Pool: open, Logins: map[string]string{"idp.example": second.Token(nil)}},
			"NotAuthorizedException: " + cognito.MsgTokenIssuer, "the pool does not list this provider; it lists 127.0.0.1:"},
		"a guest": {cognito.Question{Pool: open}, contract.Unauthenticated, "a new guest would be made"},
		"a guest who is known": {cognito.Question{Pool: open, Identity: *guest.IdentityId}, contract.Unauthenticated,
			*guest.IdentityId},
		"a guest's sign-in": {cognito.Question{Pool: open, Identity: *guest.IdentityId, Logins: at(second, nil)},
			contract.Authenticated, "1 logins would be linked to it"},
		"no guests": {cognito.Question{Pool: closed}, "NotAuthorizedException: " + cognito.MsgGuestsNotAllowed,
			"the pool takes no guests"},
		"no pool": {cognito.Question{Pool: "us-east-1:00"},
			"ResourceNotFoundException: IdentityPool 'us-east-1:00' not found.", "there is no such pool"},
		"no identity": {cognito.Question{Pool: open, Identity: "us-east-1:00"},
			"ResourceNotFoundException: Identity 'us-east-1:00' not found.", "not found"},
	} {
		x, err := j.engine.Explain(t.Context(), c.question)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, text := x.Code+": "+x.Message, ""
		if x.Granted {
			got = strings.TrimPrefix(x.Role, rolePrefix)
		}
		for _, s := range x.Steps {
			text += s.Check + ": " + s.Detail + "\n"
		}
		if got != c.want || !strings.Contains(text, c.part) {
			t.Errorf("%s: got %q, want %q with %q in\n%s", name, got, c.want, c.part, text)
		}
		for _, login := range c.question.Logins {
			if strings.Contains(text, login) || strings.Contains(text, "hush") {
				t.Errorf("%s: the explanation holds the token, or a claim that no rule names", name)
			}
		}
	}
	list, err := j.engine.ListIdentities(t.Context(),
		&cognitoidentity.ListIdentitiesInput{IdentityPoolId: aws.String(open), MaxResults: aws.Int32(60)})
	if err != nil || len(list.Identities) != 1 || len(list.Identities[0].Logins) != 0 {
		t.Errorf("afterwards: got %d identities (%v), want the guest alone, unlinked", len(list.Identities), err)
	}
}
