package embedded_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/sts"
)

// Principal tags of a developer call end in the session, by both flows (reference
// 4.6).
func TestDevelopersTagsEndInTheSession(t *testing.T) {
	j := newJudged(t)
	tags := map[string]string{"team": "sales"}
	out, err := j.engine.GetOpenIdTokenForDeveloperIdentity(t.Context(), &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
		IdentityPoolId: aws.String(open), Logins: map[string]string{contract.DeveloperProvider: "alice"}, PrincipalTags: tags,
	})
	if err != nil {
		t.Fatal(err)
	}
	enhanced, err := j.engine.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: out.IdentityId, Logins: map[string]string{cognito.PassThrough: *out.Token},
	})
	if err != nil {
		t.Fatal(err)
	}
	classic, err := j.face.AssumeRoleWithWebIdentity(t.Context(), sts.Request{
		RoleARN: "arn:aws:iam::" + account + ":role/" + contract.Authenticated, SessionName: "session", Token: *out.Token,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"enhanced": {*enhanced.Credentials.AccessKeyId, *enhanced.Credentials.SessionToken},
		"classic":  {classic.Credentials.AccessKeyID, classic.Credentials.SessionToken},
	} {
		s, err := j.sts.Open(c[0], c[1])
		if err != nil || !cmp.Equal(s.Tags, tags) {
			t.Errorf("%s: got a session with tags %v (%v), want %v", name, s.Tags, err, tags)
		}
	}
}
