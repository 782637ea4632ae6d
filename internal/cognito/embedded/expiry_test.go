package embedded_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/sts"
)

// A token buys credentials to its last second, by both flows, and is refused afterwards in
// the service's words (docs/cognito.md#assumerolewithwebidentity and #login-tokens).
func TestTokensExpire(t *testing.T) {
	j := newJudged(t)
	out, err := j.engine.GetOpenIdTokenForDeveloperIdentity(t.Context(),
		&cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: aws.String(open), Logins: map[string]string{contract.DeveloperProvider: "alice"},
			TokenDuration: aws.Int64(60),
		})
	if err != nil {
		t.Fatal(err)
	}
	exchange := func() (enhanced, classic error) {
		_, enhanced = j.engine.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{
			IdentityId: out.IdentityId, Logins: map[string]string{cognito.PassThrough: *out.Token},
		})
		_, classic = j.face.AssumeRoleWithWebIdentity(t.Context(), sts.Request{
			RoleARN: "arn:aws:iam::" + account + ":role/" + contract.Authenticated, SessionName: "session", Token: *out.Token,
		})
		return enhanced, classic
	}
	j.ahead = 30 * time.Second
	if enhanced, classic := exchange(); enhanced != nil || classic != nil {
		t.Errorf("before exp: got %v and %v, want credentials", enhanced, classic)
	}
	j.ahead = 61 * time.Second
	enhanced, classic := exchange()
	refused := cognito.Public(enhanced)
	var now, expired int64
	if n, _ := fmt.Sscanf(refused.ErrorMessage(), cognito.MsgTokenExpired, &now, &expired); n != 2 || now < expired ||
		refused.ErrorCode() != "NotAuthorizedException" {
		t.Errorf("enhanced, after exp: got %v, want NotAuthorizedException Token expired", enhanced)
	}
	if e, ok := errors.AsType[*sts.Error](classic); !ok || e.Code != sts.CodeExpiredIdentityToken {
		t.Errorf("classic, after exp: got %v, want %s", classic, sts.CodeExpiredIdentityToken)
	}
}
