package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

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

// GetOpenIdTokenForDeveloperIdentity is never cached. It may link the backend's
// user, or public logins beside him, and ends what was cached for the identity
// then.
func (s *Service) GetOpenIdTokenForDeveloperIdentity(
	ctx context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput, opts ...options,
) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	if err := cognito.Check("GetOpenIdTokenForDeveloperIdentity", in); err != nil {
		return nil, err
	}
	if !s.serves(*in.IdentityPoolId) {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	release, err := s.calls.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	logins := s.uncached.developerLogins(ctx, in)
	links := in.IdentityId != nil || len(in.Logins) > 1
	call := func(ctx context.Context) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
		out, err := s.Next.GetOpenIdTokenForDeveloperIdentity(ctx, in, opts...)
		if err == nil {
			s.owners.recordOwner(ctx, *in.IdentityPoolId, aws.ToString(out.IdentityId), logins)
		}
		return out, err
	}
	affected := fenceScopes{pool: *in.IdentityPoolId, identity: aws.ToString(in.IdentityId), logins: logins, trusted: true}
	affected.futile = affected.identity != "" && s.owners.inOtherPool(ctx, affected.pool, affected.identity)
	var out *ci.GetOpenIdTokenForDeveloperIdentityOutput
	if links {
		out, err = attemptChange(ctx, s.fences, affected, in, call)
	} else {
		out, err = call(ctx)
	}
	if err != nil {
		return nil, err
	}
	ended := scopesOf(cognito.Merged(out.ResultMetadata))
	if answered := aws.ToString(out.IdentityId); len(in.Logins) > 1 && answered != aws.ToString(in.IdentityId) {
		ended = append(ended, cache.IdentityScope(answered))
	}
	return unlessFailed(out, s.fences.Fence(ctx, ended...))
}
