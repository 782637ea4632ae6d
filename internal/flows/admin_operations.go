package flows

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// ListIdentities asks the backend.
func (s *Service) ListIdentities(
	ctx context.Context, in *ci.ListIdentitiesInput, opts ...options,
) (*ci.ListIdentitiesOutput, error) {
	return bindToPool(s.calls, in.IdentityPoolId, in, s.Next.ListIdentities, opts)(ctx)
}

// DeleteIdentities ends what was cached for the identities. Those of pools that
// are not served are refused one by one.
func (s *Service) DeleteIdentities(
	ctx context.Context, in *ci.DeleteIdentitiesInput, opts ...options,
) (*ci.DeleteIdentitiesOutput, error) {
	if err := cognito.Check("DeleteIdentities", in); err != nil {
		return nil, err
	}
	var mine []string
	var scopes []cache.Scope
	var refused []types.UnprocessedIdentityId
	for _, id := range in.IdentityIdsToDelete {
		if slices.Contains(mine, id) {
			continue
		}
		if _, err := s.locate(ctx, id); err != nil {
			if cognito.Passing(err) {
				return nil, err
			}
			refused = append(
				refused, types.UnprocessedIdentityId{IdentityId: aws.String(id), ErrorCode: types.ErrorCodeAccessDenied},
			)
			continue
		}
		mine, scopes = append(mine, id), append(scopes, cache.IdentityScope(id))
	}
	if len(mine) == 0 {
		return &ci.DeleteIdentitiesOutput{UnprocessedIdentityIds: refused}, nil
	}
	asked := &ci.DeleteIdentitiesInput{IdentityIdsToDelete: mine}
	call := bind(s.calls, asked, s.Next.DeleteIdentities, opts)
	out, err := attemptChange(ctx, s.fences, fenceScopes{trusted: true, alsoNamed: scopes}, asked, call)
	if err != nil {
		return nil, err
	}
	if err := s.fences.expectChange(ctx, failedDeletions(out)...); err != nil {
		return nil, err
	}
	out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, refused...)
	return out, nil
}

// failedDeletions are the scopes of identities of which nobody knows whether they were deleted, or
// will be yet.
func failedDeletions(out *ci.DeleteIdentitiesOutput) (scopes []cache.Scope) {
	for _, one := range out.UnprocessedIdentityIds {
		if one.ErrorCode == types.ErrorCodeInternalServerError {
			scopes = append(scopes, cache.IdentityScope(aws.ToString(one.IdentityId)))
		}
	}
	return scopes
}

// LookupDeveloperIdentity asks the backend.
func (s *Service) LookupDeveloperIdentity(
	ctx context.Context, in *ci.LookupDeveloperIdentityInput, opts ...options,
) (*ci.LookupDeveloperIdentityOutput, error) {
	return bindToPool(s.calls, in.IdentityPoolId, in, s.Next.LookupDeveloperIdentity, opts)(ctx)
}

// MergeDeveloperIdentities ends what was cached for both users and identities.
func (s *Service) MergeDeveloperIdentities(
	ctx context.Context, in *ci.MergeDeveloperIdentitiesInput, opts ...options,
) (*ci.MergeDeveloperIdentitiesOutput, error) {
	if err := cognito.Check("MergeDeveloperIdentities", in); err != nil {
		return nil, err
	}
	source, err := s.sourceOf(ctx, in)
	if err != nil {
		return nil, err
	}
	affected := users(
		*in.IdentityPoolId, source, *in.DeveloperProviderName, *in.SourceUserIdentifier, *in.DestinationUserIdentifier,
	)
	call := bindToPool(s.calls, in.IdentityPoolId, in, s.Next.MergeDeveloperIdentities, opts)
	out, err := attemptChange(ctx, s.fences, affected, in, call)
	if err != nil {
		return nil, err
	}
	ended := append(scopesOf(cognito.Merged(out.ResultMetadata)), cache.IdentityScope(aws.ToString(out.IdentityId)))
	return unlessFailed(out, s.fences.Fence(ctx, ended...))
}

// sourceOf asks the backend for the identity that a merge will end: it may have
// been met under other logins only. Where the backend does not tell, the merge
// itself will say why.
func (s *Service) sourceOf(ctx context.Context, in *ci.MergeDeveloperIdentitiesInput) (string, error) {
	out, err := bindToPool(s.calls, in.IdentityPoolId, &ci.LookupDeveloperIdentityInput{
		IdentityPoolId: in.IdentityPoolId, DeveloperUserIdentifier: in.SourceUserIdentifier,
	}, s.Next.LookupDeveloperIdentity, nil)(ctx)
	switch {
	case err == nil:
		return aws.ToString(out.IdentityId), nil
	case cognito.Passing(err):
		return "", err
	}
	return "", nil
}

// UnlinkDeveloperIdentity ends what was cached for the user and the identity.
func (s *Service) UnlinkDeveloperIdentity(
	ctx context.Context, in *ci.UnlinkDeveloperIdentityInput, opts ...options,
) (*ci.UnlinkDeveloperIdentityOutput, error) {
	if err := cognito.Check("UnlinkDeveloperIdentity", in); err != nil {
		return nil, err
	}
	affected := users(*in.IdentityPoolId, *in.IdentityId, *in.DeveloperProviderName, *in.DeveloperUserIdentifier)
	affected.futile = s.owners.inOtherPool(ctx, affected.pool, affected.identity)
	call := bindToPool(s.calls, in.IdentityPoolId, in, s.Next.UnlinkDeveloperIdentity, opts)
	return attemptChange(ctx, s.fences, affected, in, call)
}

// users are the fence scopes of changes of a backend's users, and of an identity, if one is named.
func users(pool, id, provider string, users ...string) fenceScopes {
	affected := fenceScopes{pool: pool, identity: id, trusted: true}
	for _, user := range users {
		affected.logins = append(affected.logins, userOf(pool, provider, user))
	}
	return affected
}
