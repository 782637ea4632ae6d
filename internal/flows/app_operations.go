package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetId of one login that is proved here is answered from what is known of it. Others
// are never cached or shared: without logins each call is another person, who waits
// for a permit among those of his address; with several the backend knows best.
//
// It may link a login only to an identity that another login of the same call
// already proved to own, or merge the identities of two; that is a change, and
// ends what was cached for them.
func (s *Service) GetId(ctx context.Context, in *ci.GetIdInput, opts ...options) (*ci.GetIdOutput, error) {
	if err := s.checkGetId(in); err != nil {
		return nil, err
	}
	if q, ok := s.queries.identityQuery(ctx, in); ok {
		id, known, err := s.server.identify(ctx, q, false)
		if err != nil {
			return nil, err
		}
		callInfoOf(ctx).Outcome = Miss
		if known {
			callInfoOf(ctx).Outcome = Hit
		}
		return &ci.GetIdOutput{IdentityId: aws.String(id)}, nil
	}
	return s.uncached.getID(ctx, in, opts...)
}

// checkGetId refuses what needs no answer of the backend.
func (s *Service) checkGetId(in *ci.GetIdInput) error {
	if err := cognito.Check("GetId", in); err != nil {
		return err
	}
	if !s.serves(*in.IdentityPoolId) {
		return cognito.PoolNotFound(*in.IdentityPoolId)
	}
	return nil
}

// UnlinkIdentity ends what was cached for the identity. Where pools are listed it
// must be of one of them, as far as is known.
func (s *Service) UnlinkIdentity(
	ctx context.Context, in *ci.UnlinkIdentityInput, opts ...options,
) (*ci.UnlinkIdentityOutput, error) {
	if err := cognito.Check("UnlinkIdentity", in); err != nil {
		return nil, err
	}
	loc, err := s.locateKnown(ctx, *in.IdentityId)
	if err != nil {
		return nil, err
	}
	proven, vain, err := s.owners.proven(ctx, in.Logins) // without a place: that may take long
	if err != nil {
		return nil, err
	}
	release, err := s.calls.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	changed := true
	affected := fenceScopes{
		identity: *in.IdentityId, callerLogins: proven, futile: vain, changed: func() bool { return changed },
	}
	out, err := attemptChange(ctx, s.fences, affected, in, func(ctx context.Context) (*ci.UnlinkIdentityOutput, error) {
		out, err := s.Next.UnlinkIdentity(ctx, in, opts...)
		changed = err == nil && !cognito.Unchanged(out.ResultMetadata)
		return out, err
	})
	s.uncached.endDisownedTokens(ctx, loc, *in.IdentityId, in.Logins, err)
	return out, err
}

// DescribeIdentity asks the backend about an identity of a pool that is served.
func (s *Service) DescribeIdentity(
	ctx context.Context, in *ci.DescribeIdentityInput, opts ...options,
) (*ci.DescribeIdentityOutput, error) {
	if err := cognito.Check("DescribeIdentity", in); err != nil {
		return nil, err
	}
	if _, err := s.locate(ctx, *in.IdentityId); err != nil {
		return nil, err
	}
	return bind(s.calls, in, s.Next.DescribeIdentity, opts)(ctx)
}

// Purge ends what was cached for an identity of the pool. One that is not known
// here is purged as well, for what was cached may have come from elsewhere; the
// backend then tells whether it exists, if it can.
func (s *Service) Purge(ctx context.Context, pool, id string) error {
	in := &ci.DescribeIdentityInput{IdentityId: aws.String(id)}
	if err := cognito.Check("DescribeIdentity", in); err != nil {
		return err
	}
	if !s.serves(pool) {
		return cognito.PoolNotFound(pool)
	}
	callInfoOf(ctx).Pool = pool
	loc, err := s.locate(ctx, id)
	if err != nil {
		return err
	}
	if err := s.fences.Fence(ctx, cache.IdentityScope(id)); err != nil {
		return err
	}
	if loc.known {
		return nil
	}
	if _, err := s.DescribeIdentity(ctx, in); err != nil && !cognito.Passing(err) {
		return err
	}
	return nil
}

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

// GetOpenIdToken is never cached: a token speaks for its bearer. It may link a
// login, and ends what was cached for the identity then.
func (s *Service) GetOpenIdToken(
	ctx context.Context, in *ci.GetOpenIdTokenInput, _ ...options,
) (*ci.GetOpenIdTokenOutput, error) {
	if err := cognito.Check("GetOpenIdToken", in); err != nil {
		return nil, err
	}
	out, err := s.uncached.openIDToken(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	// The answer may have told the pool: a token of one that is not served, or
	// that it did not tell, goes to nobody.
	loc, err := s.locate(ctx, aws.ToString(out.IdentityId))
	if err != nil {
		return nil, err
	}
	if !loc.known && len(s.Pools) > 0 {
		return nil, cognito.IdentityNotFound(*in.IdentityId)
	}
	return out, nil
}
