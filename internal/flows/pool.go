package flows

import (
	"cmp"
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go/middleware"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

type options = func(*cognitoidentity.Options)

// through hands a call that touches no cache to the backend.
func through[In, Out any](ctx context.Context, s *Service, in *In, call func(context.Context, *In, ...options) (*Out, error), opts []options) (*Out, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return call(ctx, in, opts...)
}

// changing hands a call that changes a pool to the backend, within a fence that
// begins when the call has its place: nothing ends for a call that never was. Nor
// does it where the backend tells that nothing changed for the pool's users.
func changing[In, Out any](ctx context.Context, s *Service, pool *string, in *In, call func(context.Context, *In, ...options) (*Out, error), opts []options) (*Out, error) {
	id := aws.ToString(pool)
	if !s.serves(id) {
		return nil, cognito.PoolNotFound(id)
	}
	fenced := func(ctx context.Context, in *In, opts ...options) (*Out, error) {
		fence, err := s.fence(ctx, cache.PoolScopes(id))
		if err != nil {
			return nil, err
		}
		out, err := call(ctx, in, opts...)
		if err == nil && cognito.Unchanged(metadata(out)) {
			fence.Cancel()
			return out, nil
		}
		return withheld(out, cmp.Or(err, s.endFence(fence, err)))
	}
	return through(ctx, s, in, fenced, opts)
}

// metadata is what an output of the SDK has beside its members.
func metadata(out any) middleware.Metadata {
	m, _ := reflect.ValueOf(out).Elem().FieldByName("ResultMetadata").Interface().(middleware.Metadata)
	return m
}

// CreateIdentityPool asks the backend.
func (s *Service) CreateIdentityPool(ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput, opts ...options) (*cognitoidentity.CreateIdentityPoolOutput, error) {
	return through(ctx, s, in, s.Next.CreateIdentityPool, opts)
}

// DescribeIdentityPool asks the backend.
func (s *Service) DescribeIdentityPool(ctx context.Context, in *cognitoidentity.DescribeIdentityPoolInput, opts ...options) (*cognitoidentity.DescribeIdentityPoolOutput, error) {
	return through(ctx, s, in, s.Next.DescribeIdentityPool, opts)
}

// ListIdentityPools asks the backend.
func (s *Service) ListIdentityPools(ctx context.Context, in *cognitoidentity.ListIdentityPoolsInput, opts ...options) (*cognitoidentity.ListIdentityPoolsOutput, error) {
	return through(ctx, s, in, s.Next.ListIdentityPools, opts)
}

// GetIdentityPoolRoles asks the backend.
func (s *Service) GetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.GetIdentityPoolRolesInput, opts ...options) (*cognitoidentity.GetIdentityPoolRolesOutput, error) {
	return through(ctx, s, in, s.Next.GetIdentityPoolRoles, opts)
}

// UpdateIdentityPool ends what was cached for the pool.
func (s *Service) UpdateIdentityPool(ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput, opts ...options) (*cognitoidentity.UpdateIdentityPoolOutput, error) {
	return changing(ctx, s, in.IdentityPoolId, in, s.Next.UpdateIdentityPool, opts)
}

// DeleteIdentityPool ends what was cached for the pool.
func (s *Service) DeleteIdentityPool(ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput, opts ...options) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
	s.developers.Delete(aws.ToString(in.IdentityPoolId))
	return changing(ctx, s, in.IdentityPoolId, in, s.Next.DeleteIdentityPool, opts)
}

// SetIdentityPoolRoles ends what was cached for the pool.
func (s *Service) SetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput, opts ...options) (*cognitoidentity.SetIdentityPoolRolesOutput, error) {
	return changing(ctx, s, in.IdentityPoolId, in, s.Next.SetIdentityPoolRoles, opts)
}
