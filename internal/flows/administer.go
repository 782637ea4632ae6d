package flows

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// ListIdentities asks the backend.
func (s *Service) ListIdentities(ctx context.Context, in *cognitoidentity.ListIdentitiesInput, opts ...options) (*cognitoidentity.ListIdentitiesOutput, error) {
	return ofPool(ctx, s, in.IdentityPoolId, in, s.Next.ListIdentities, opts)
}

// DeleteIdentities ends what was cached for the identities. Those of pools that
// are not served are refused one by one.
func (s *Service) DeleteIdentities(ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput, opts ...options) (*cognitoidentity.DeleteIdentitiesOutput, error) {
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
			refused = append(refused, types.UnprocessedIdentityId{IdentityId: aws.String(id), ErrorCode: types.ErrorCodeAccessDenied})
			continue
		}
		mine, scopes = append(mine, id), append(scopes, cache.IdentityScope(id))
	}
	if len(mine) == 0 {
		return &cognitoidentity.DeleteIdentitiesOutput{UnprocessedIdentityIds: refused}, nil
	}
	asked := &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: mine}
	out, err := alter(ctx, s, stake{vouched: true, others: scopes}, asked, func(ctx context.Context) (*cognitoidentity.DeleteIdentitiesOutput, error) {
		return through(ctx, s, asked, s.Next.DeleteIdentities, opts)
	})
	if err != nil {
		return nil, err
	}
	out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, refused...)
	return out, nil
}

// LookupDeveloperIdentity asks the backend.
func (s *Service) LookupDeveloperIdentity(ctx context.Context, in *cognitoidentity.LookupDeveloperIdentityInput, opts ...options) (*cognitoidentity.LookupDeveloperIdentityOutput, error) {
	return ofPool(ctx, s, in.IdentityPoolId, in, s.Next.LookupDeveloperIdentity, opts)
}

// MergeDeveloperIdentities ends what was cached for both users and identities.
func (s *Service) MergeDeveloperIdentities(ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput, opts ...options) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
	if err := cognito.Check("MergeDeveloperIdentities", in); err != nil {
		return nil, err
	}
	source, err := s.sourceOf(ctx, in)
	if err != nil {
		return nil, err
	}
	at := users(*in.IdentityPoolId, source, *in.DeveloperProviderName, *in.SourceUserIdentifier, *in.DestinationUserIdentifier)
	out, err := alter(ctx, s, at, in, func(ctx context.Context) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
		return ofPool(ctx, s, in.IdentityPoolId, in, s.Next.MergeDeveloperIdentities, opts)
	})
	if err != nil {
		return nil, err
	}
	ended := append(scopesOf(cognito.Merged(out.ResultMetadata)), cache.IdentityScope(aws.ToString(out.IdentityId)))
	return withheld(out, s.endAll(ctx, ended))
}

// sourceOf asks the backend for the identity that a merge will end: it may have
// been met under other logins only. Where the backend does not tell, the merge
// itself will say why.
func (s *Service) sourceOf(ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput) (string, error) {
	out, err := ofPool(ctx, s, in.IdentityPoolId, &cognitoidentity.LookupDeveloperIdentityInput{
		IdentityPoolId: in.IdentityPoolId, DeveloperUserIdentifier: in.SourceUserIdentifier,
	}, s.Next.LookupDeveloperIdentity, nil)
	switch {
	case err == nil:
		return aws.ToString(out.IdentityId), nil
	case cognito.Passing(err):
		return "", err
	}
	return "", nil
}

// UnlinkDeveloperIdentity ends what was cached for the user and the identity.
func (s *Service) UnlinkDeveloperIdentity(ctx context.Context, in *cognitoidentity.UnlinkDeveloperIdentityInput, opts ...options) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
	if err := cognito.Check("UnlinkDeveloperIdentity", in); err != nil {
		return nil, err
	}
	at := users(*in.IdentityPoolId, *in.IdentityId, *in.DeveloperProviderName, *in.DeveloperUserIdentifier)
	at.vain = s.elsewhere(ctx, at.pool, at.identity)
	return alter(ctx, s, at, in, func(ctx context.Context) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
		return ofPool(ctx, s, in.IdentityPoolId, in, s.Next.UnlinkDeveloperIdentity, opts)
	})
}

// users are what is at stake for a backend's users, and for an identity, if one is
// named.
func users(pool, id, provider string, users ...string) stake {
	at := stake{pool: pool, identity: id, vouched: true}
	for _, user := range users {
		at.logins = append(at.logins, userOf(pool, provider, user))
	}
	return at
}

// SetPrincipalTagAttributeMap ends the credentials that were cached for the pool.
func (s *Service) SetPrincipalTagAttributeMap(ctx context.Context, in *cognitoidentity.SetPrincipalTagAttributeMapInput, opts ...options) (*cognitoidentity.SetPrincipalTagAttributeMapOutput, error) {
	return changing(ctx, s, tagMap(in.IdentityPoolId, in.IdentityProviderName), in, s.Next.SetPrincipalTagAttributeMap, opts, nil)
}

// GetPrincipalTagAttributeMap asks the backend.
func (s *Service) GetPrincipalTagAttributeMap(ctx context.Context, in *cognitoidentity.GetPrincipalTagAttributeMapInput, opts ...options) (*cognitoidentity.GetPrincipalTagAttributeMapOutput, error) {
	show := func(ctx context.Context, in *cognitoidentity.GetPrincipalTagAttributeMapInput, opts ...options) (*cognitoidentity.GetPrincipalTagAttributeMapOutput, error) {
		return ofPool(ctx, s, in.IdentityPoolId, in, s.Next.GetPrincipalTagAttributeMap, opts)
	}
	return showing(ctx, s, tagMap(in.IdentityPoolId, in.IdentityProviderName), in, show, opts)
}

func tagMap(pool, provider *string) aspect {
	return aspect{Kind: tagsOf, Pool: aws.ToString(pool), Provider: aws.ToString(provider)}
}

// TagResource asks the backend. Labels change no answer, so nothing is fenced.
func (s *Service) TagResource(ctx context.Context, in *cognitoidentity.TagResourceInput, opts ...options) (*cognitoidentity.TagResourceOutput, error) {
	return ofResource(ctx, s, in.ResourceArn, in, s.Next.TagResource, opts)
}

// UntagResource asks the backend.
func (s *Service) UntagResource(ctx context.Context, in *cognitoidentity.UntagResourceInput, opts ...options) (*cognitoidentity.UntagResourceOutput, error) {
	return ofResource(ctx, s, in.ResourceArn, in, s.Next.UntagResource, opts)
}

// ListTagsForResource asks the backend.
func (s *Service) ListTagsForResource(ctx context.Context, in *cognitoidentity.ListTagsForResourceInput, opts ...options) (*cognitoidentity.ListTagsForResourceOutput, error) {
	return ofResource(ctx, s, in.ResourceArn, in, s.Next.ListTagsForResource, opts)
}

// ofPool hands a call about a served pool to the backend.
func ofPool[In, Out any](ctx context.Context, s *Service, pool *string, in *In, call func(context.Context, *In, ...options) (*Out, error), opts []options) (*Out, error) {
	if id := aws.ToString(pool); id != "" && !s.serves(id) {
		return nil, cognito.PoolNotFound(id)
	}
	return through(ctx, s, in, call, opts)
}

// ofResource is ofPool for a pool's ARN; what is none is the backend's to refuse.
func ofResource[In, Out any](ctx context.Context, s *Service, arn *string, in *In, call func(context.Context, *In, ...options) (*Out, error), opts []options) (*Out, error) {
	pool, _ := cognito.PoolOfARN(aws.ToString(arn))
	return ofPool(ctx, s, &pool, in, call, opts)
}
