package flows

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// mayGoUnfenced reports whether a call may be made although err kept it from being
// fenced: it links nothing. The fleet that could not be asked would have told who
// owns the login; now the backend tells whose the identity is.
func (s *Service) mayGoUnfenced(ctx context.Context, affected fenceScopes, err error) bool {
	alone := affected.tokens == 1 && len(affected.logins) <= 1 // backends' own users are none of the tokens
	return errors.Is(
		err, cognito.ErrUnavailable,
	) && alone && affected.identity != "" && s.isNoGuest(ctx, affected.identity)
}

// isNoGuest reports whether the backend says that an identity is no guest's, which it
// never becomes again: one login alone is then either its own or refused. Asking as
// a guest changes nothing; where the pool has no guests, that tells nothing either,
// and the identity's description does, if the broker may see it.
func (s *Service) isNoGuest(ctx context.Context, id string) bool {
	_, err := s.Next.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(id)})
	if err == nil || cognito.Passing(err) {
		return false
	}
	if cognito.Forbidden(err) {
		return true
	}
	out, err := s.Next.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: aws.String(id)})
	return err == nil && len(out.Logins) > 0
}
