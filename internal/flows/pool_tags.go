package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// SetPrincipalTagAttributeMap ends the credentials that were cached for the pool.
func (p *poolOperations) SetPrincipalTagAttributeMap(
	ctx context.Context, in *ci.SetPrincipalTagAttributeMapInput, opts ...options,
) (*ci.SetPrincipalTagAttributeMapOutput, error) {
	return changePart(
		ctx, p, tagMap(in.IdentityPoolId, in.IdentityProviderName), in, p.Next.SetPrincipalTagAttributeMap, opts, nil,
	)
}

// GetPrincipalTagAttributeMap asks the backend.
func (p *poolOperations) GetPrincipalTagAttributeMap(
	ctx context.Context, in *ci.GetPrincipalTagAttributeMapInput, opts ...options,
) (*ci.GetPrincipalTagAttributeMapOutput, error) {
	call := bindToPool(p.calls, in.IdentityPoolId, in, p.Next.GetPrincipalTagAttributeMap, opts)
	return showPart(ctx, p, tagMap(in.IdentityPoolId, in.IdentityProviderName), call)
}

func tagMap(pool, provider *string) poolPart {
	return poolPart{Kind: tagsOf, Pool: aws.ToString(pool), Provider: aws.ToString(provider)}
}

// TagResource asks the backend. Labels change no answer, so nothing is fenced.
func (p *poolOperations) TagResource(
	ctx context.Context, in *ci.TagResourceInput, opts ...options,
) (*ci.TagResourceOutput, error) {
	return bindToResource(p.calls, in.ResourceArn, in, p.Next.TagResource, opts)(ctx)
}

// UntagResource asks the backend.
func (p *poolOperations) UntagResource(
	ctx context.Context, in *ci.UntagResourceInput, opts ...options,
) (*ci.UntagResourceOutput, error) {
	return bindToResource(p.calls, in.ResourceArn, in, p.Next.UntagResource, opts)(ctx)
}

// ListTagsForResource asks the backend.
func (p *poolOperations) ListTagsForResource(
	ctx context.Context, in *ci.ListTagsForResourceInput, opts ...options,
) (*ci.ListTagsForResourceOutput, error) {
	return bindToResource(p.calls, in.ResourceArn, in, p.Next.ListTagsForResource, opts)(ctx)
}
