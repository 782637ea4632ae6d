package embedded_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

// Principal tags of a developer call end in the session, by both flows
// (docs/cognito.md#session-tags).
func TestDevelopersTagsEndInTheSession(t *testing.T) {
	j := newJudged(t)
	tags := map[string]string{"team": "sales"}
	out, err := j.engine.GetOpenIdTokenForDeveloperIdentity(t.Context(),
		&cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: aws.String(open), Logins: map[string]string{contract.DeveloperProvider: "alice"},
			PrincipalTags: tags,
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

// Claims that the pool maps become tags of the session, by both flows; others do
// not.
func TestClaimsBecomeSessionTags(t *testing.T) {
	j := newJudged(t)
	idp := j.idps[0]
	_, err := j.engine.SetPrincipalTagAttributeMap(t.Context(), &cognitoidentity.SetPrincipalTagAttributeMapInput{
		IdentityPoolId:       aws.String(open),
		IdentityProviderName: aws.String("arn:aws:iam::" + account + ":oidc-provider/" + idp.Name()),
		PrincipalTags:        map[string]string{"team": "department", "none": "absent"},
	})
	if err != nil {
		t.Fatal(err)
	}
	logins := map[string]string{idp.Name(): idp.Token(idptest.Claims{"department": "sales", "other": "x"})}
	id, err := j.engine.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(open), Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	enhanced, err := j.engine.GetCredentialsForIdentity(t.Context(),
		&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: id.IdentityId, Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	token, err := j.engine.GetOpenIdToken(t.Context(),
		&cognitoidentity.GetOpenIdTokenInput{IdentityId: id.IdentityId, Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	classic, err := j.face.AssumeRoleWithWebIdentity(t.Context(), sts.Request{
		RoleARN: rolePrefix + contract.Authenticated, SessionName: "session", Token: *token.Token,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"team": "sales"}
	for name, c := range map[string][2]string{
		"enhanced": {*enhanced.Credentials.AccessKeyId, *enhanced.Credentials.SessionToken},
		"classic":  {classic.Credentials.AccessKeyID, classic.Credentials.SessionToken},
	} {
		s, err := j.sts.Open(c[0], c[1])
		if err != nil || !cmp.Equal(s.Tags, want) {
			t.Errorf("%s: got a session with tags %v (%v), want %v", name, s.Tags, err, want)
		}
	}
}

// A guest's session of the enhanced flow carries the policies that limit guests;
// that of the classic flow, and a user's, do not (docs/cognito.md#scope-down-of-guests).
func TestGuestsAreScopedDown(t *testing.T) {
	j := newJudged(t)
	guest, err := j.engine.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(open)})
	if err != nil {
		t.Fatal(err)
	}
	enhanced, err := j.engine.GetCredentialsForIdentity(t.Context(),
		&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: guest.IdentityId})
	if err != nil {
		t.Fatal(err)
	}
	s, err := j.sts.Open(*enhanced.Credentials.AccessKeyId, *enhanced.Credentials.SessionToken)
	inline, managed := rules.GuestPolicies(rolePrefix + contract.Unauthenticated)
	if err != nil || s.Policy != inline || !cmp.Equal(s.PolicyARNs, managed) {
		t.Errorf("enhanced: got policies %q and %v (%v), want those of guests", s.Policy, s.PolicyARNs, err)
	}
	token, err := j.engine.GetOpenIdToken(t.Context(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: guest.IdentityId})
	if err != nil {
		t.Fatal(err)
	}
	classic, err := j.face.AssumeRoleWithWebIdentity(t.Context(),
		sts.Request{RoleARN: rolePrefix + contract.Unauthenticated, SessionName: "session", Token: *token.Token})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := j.sts.Open(classic.Credentials.AccessKeyID, classic.Credentials.SessionToken); err != nil ||
		s.Policy != "" || s.PolicyARNs != nil {
		t.Errorf("classic: got policies (%v), want none", err)
	}
}
