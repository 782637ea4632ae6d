package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetCredentialsForIdentity answers from the cache when the client proved a login
// of the identity (or holds a guest's id) and what is cached has his floor left;
// otherwise from an exchange that he shares with all who ask for the same.
func (s *Service) GetCredentialsForIdentity(
	ctx context.Context, in *ci.GetCredentialsForIdentityInput, opts ...options,
) (*ci.GetCredentialsForIdentityOutput, error) {
	if err := cognito.Check("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	loc, err := s.uncached.locateServed(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	if !loc.known {
		return s.uncached.pass(ctx, loc, in, opts...)
	}
	q, ok := s.queries.query(
		ctx, loc,
		request{Flow: flowEnhanced, Identity: *in.IdentityId, Logins: in.Logins, Role: aws.ToString(in.CustomRoleArn)},
	)
	if !ok {
		return s.uncached.pass(ctx, loc, in, opts...)
	}
	found, err := s.server.entryFor(ctx, q)
	if err != nil {
		return nil, err
	}
	return output(found.Credentials), nil
}

func output(c cache.Credentials) *ci.GetCredentialsForIdentityOutput {
	return &ci.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(c.IdentityID),
		Credentials: &types.Credentials{
			AccessKeyId:  aws.String(c.AccessKeyID),
			SecretKey:    aws.String(c.SecretKey),
			SessionToken: aws.String(c.SessionToken),
			Expiration:   aws.Time(c.Expires),
		},
	}
}
