package upstream

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// onResource makes a signed call about the pool that an ARN names.
func onResource[In, Out any](ctx context.Context, b *Backend, arn *string, p prepared[In, Out], in *In) (*Out, error) {
	if arn == nil {
		return nil, cognito.Validation("ResourceArn is missing.")
	}
	pool, ok := cognito.PoolOfARN(*arn)
	if !ok {
		return nil, cognito.InvalidParameter("ResourceArn is no ARN of an identity pool.")
	}
	return onPool(ctx, b, &pool, p, in)
}

// TagResource asks upstream, signed.
func (b *Backend) TagResource(
	ctx context.Context, in *cognitoidentity.TagResourceInput, opts ...options,
) (*cognitoidentity.TagResourceOutput, error) {
	return onResource(ctx, b, in.ResourceArn, prepare("TagResource", (*cognitoidentity.Client).TagResource, opts), in)
}

// UntagResource asks upstream, signed.
func (b *Backend) UntagResource(
	ctx context.Context, in *cognitoidentity.UntagResourceInput, opts ...options,
) (*cognitoidentity.UntagResourceOutput, error) {
	return onResource(ctx, b, in.ResourceArn, prepare("UntagResource", (*cognitoidentity.Client).UntagResource, opts), in)
}

// ListTagsForResource asks upstream, signed.
func (b *Backend) ListTagsForResource(
	ctx context.Context, in *cognitoidentity.ListTagsForResourceInput, opts ...options,
) (*cognitoidentity.ListTagsForResourceOutput, error) {
	return onResource(ctx, b, in.ResourceArn,
		prepare("ListTagsForResource", (*cognitoidentity.Client).ListTagsForResource, opts), in)
}

// SetPrincipalTagAttributeMap asks upstream, signed.
func (b *Backend) SetPrincipalTagAttributeMap(
	ctx context.Context, in *cognitoidentity.SetPrincipalTagAttributeMapInput, opts ...options,
) (*cognitoidentity.SetPrincipalTagAttributeMapOutput, error) {
	return onPool(ctx, b, in.IdentityPoolId,
		prepare("SetPrincipalTagAttributeMap", (*cognitoidentity.Client).SetPrincipalTagAttributeMap, opts), in)
}

// GetPrincipalTagAttributeMap asks upstream, signed.
func (b *Backend) GetPrincipalTagAttributeMap(
	ctx context.Context, in *cognitoidentity.GetPrincipalTagAttributeMapInput, opts ...options,
) (*cognitoidentity.GetPrincipalTagAttributeMapOutput, error) {
	return onPool(ctx, b, in.IdentityPoolId,
		prepare("GetPrincipalTagAttributeMap", (*cognitoidentity.Client).GetPrincipalTagAttributeMap, opts), in)
}
