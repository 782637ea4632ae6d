package embedded_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

const rolePrefix = "arn:aws:iam::" + account + ":role/"

// trusting gives roles trust policies with these conditions, by name.
func trusting(t *testing.T, actions string, conditions map[string]string) func(*embedded.Config) {
	t.Helper()
	policies := map[string]*trust.Policy{}
	for role, condition := range conditions {
		p, err := trust.Parse(`{"Statement":{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},` +
			`"Action":[` +
			actions + `],"Condition":{` + condition + `}}}`)
		if err != nil {
			t.Fatal(err)
		}
		policies[rolePrefix+role] = p
	}
	return func(c *embedded.Config) { c.Trust = policies }
}

// A role with a trust policy is for whom that lets in, whatever a pool names: by
// the enhanced flow a refusal is the pool's misconfiguration, by the classic one
// AccessDenied.
func TestTrustPolicies(t *testing.T) {
	const assume, tag = `"sts:AssumeRoleWithWebIdentity"`, `,"sts:TagSession"`
	const users = `"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`
	here := `"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + open + `"}`
	for name, c := range map[string]struct {
		actions    string
		conditions map[string]string
		tags       map[string]string
		enhanced   bool   // granted
		classic    string // role by name
		granted    bool
	}{
		"as it should be": {assume, map[string]string{contract.Authenticated: users + "," + here}, nil, true,
			contract.Authenticated, true},
		"another pool": {assume, map[string]string{contract.Authenticated: strings.Replace(here, "0001", "0009",
			1)}, nil, false, contract.Authenticated, false},
		"for guests": {assume, map[string]string{contract.Authenticated: strings.Replace(users, ":\"a",
			":\"una", 1)}, nil, false, contract.Authenticated, false},
		"a role that no pool names": {assume, map[string]string{"other": users}, nil, true, "other", true},
		"tags without leave": {assume, map[string]string{contract.Authenticated: users}, map[string]string{"a": "b"},
			false, contract.Authenticated, false},
		"tags with leave": {assume + tag, map[string]string{contract.Authenticated: users},
			map[string]string{"a": "b"}, true, contract.Authenticated, true},
		"the session's name": {assume,
			map[string]string{contract.Authenticated: `"StringEquals":{"sts:RoleSessionName":"session"}`}, nil, false,
			contract.Authenticated, true},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJudged(t, trusting(t, c.actions, c.conditions))
			out, err := j.engine.GetOpenIdTokenForDeveloperIdentity(t.Context(),
				&cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
					IdentityPoolId: aws.String(open), Logins: map[string]string{contract.DeveloperProvider: "alice"},
					PrincipalTags: c.tags,
				})
			if err != nil {
				t.Fatal(err)
			}
			_, err = j.engine.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{
				IdentityId: out.IdentityId, Logins: map[string]string{cognito.PassThrough: *out.Token},
			})
			if c.enhanced != (err == nil) || err != nil && cognito.Public(err).ErrorMessage() != cognito.MsgPoolConfiguration {
				t.Errorf("enhanced: got %v, want granted: %v", err, c.enhanced)
			}
			_, err = j.face.AssumeRoleWithWebIdentity(t.Context(),
				sts.Request{RoleARN: rolePrefix + c.classic, SessionName: "session", Token: *out.Token})
			e, _ := errors.AsType[*sts.Error](err)
			if c.granted != (err == nil) || err != nil && (e == nil || e.Code != sts.CodeAccessDenied) {
				t.Errorf("classic: got %v, want granted: %v", err, c.granted)
			}
		})
	}
}
