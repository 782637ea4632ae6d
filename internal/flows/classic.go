package flows

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// Classic is what an app chooses for itself in the classic flow.
type Classic struct {
	RoleARN     string
	SessionName string        // empty: DefaultSessionName
	Duration    time.Duration // zero: an hour
}

// DefaultSessionName names sessions whose client did not care, as the JavaScript
// SDK does.
const DefaultSessionName = "web-identity"

// classicCall makes the two calls of the classic flow (docs/cognito.md#flows).
func (s *Service) classicCall(ctx context.Context, r request) (answer, error) {
	token, err := s.Next.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: aws.String(r.Identity), Logins: r.Logins})
	if err != nil {
		return answer{}, err
	}
	merged := scopesOf(cognito.Merged(token.ResultMetadata))
	got, err := s.STS.AssumeRoleWithWebIdentity(ctx, sts.Request{
		RoleARN: r.Role, SessionName: cmp.Or(r.Session, DefaultSessionName), Duration: r.Duration,
		Token: aws.ToString(token.Token),
	})
	if err != nil {
		return answer{merged: merged}, afterFirstStep(stsError(err))
	}
	return answer{merged: merged, credentials: cache.Credentials{
		IdentityID:   aws.ToString(token.IdentityId),
		AccessKeyID:  got.Credentials.AccessKeyID,
		SecretKey:    got.Credentials.SecretAccessKey,
		SessionToken: got.Credentials.SessionToken,
		Expires:      got.Credentials.Expiration,
	}}, nil
}

// stsError makes an error of the service of a refusal by STS: same code, same
// text. What is no refusal is a passing fault.
func stsError(err error) error {
	refused, ok := errors.AsType[*sts.Error](err)
	if !ok {
		return cognito.STSFault(err)
	}
	return &stsRefusal{
		GenericAPIError: smithy.GenericAPIError{Code: refused.Code, Message: refused.Message, Fault: smithy.FaultClient},
		cause:           err,
	}
}

type stsRefusal struct {
	smithy.GenericAPIError
	cause error
}

func (r *stsRefusal) Unwrap() error { return r.cause }
