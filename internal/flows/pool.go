package flows

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

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

// changing hands a call that changes a part of a pool to the backend (see changePool),
// when it has its place.
func changing[In, Out any](ctx context.Context, s *Service, a aspect, in *In, call func(context.Context, *In, ...options) (*Out, error), opts []options, same func(*Out, poolState) bool) (*Out, error) {
	if !s.serves(a.Pool) {
		return nil, cognito.PoolNotFound(a.Pool)
	}
	a.Pool, a.Provider = strings.Clone(a.Pool), strings.Clone(a.Provider) // what is noted outlives the call
	placed := func(ctx context.Context, in *In, opts ...options) (*Out, error) {
		return changePool(ctx, s, a, func(ctx context.Context) (*Out, error) { return call(ctx, in, opts...) }, same)
	}
	return through(ctx, s, in, placed, opts)
}

// showing hands a call that shows a part of a pool to the backend. What it shows of a
// change of unknown outcome holds for all from then on.
func showing[In, Out any](ctx context.Context, s *Service, a aspect, in *In, call func(context.Context, *In, ...options) (*Out, error), opts []options) (*Out, error) {
	out, err := through(ctx, s, in, call, opts)
	if err != nil {
		return nil, err
	}
	return withheld(out, s.confirm(ctx, a.Pool, cache.CredentialsScope(a.Pool)))
}

// CreateIdentityPool asks the backend.
func (s *Service) CreateIdentityPool(ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput, opts ...options) (*cognitoidentity.CreateIdentityPoolOutput, error) {
	return through(ctx, s, in, s.Next.CreateIdentityPool, opts)
}

// DescribeIdentityPool asks the backend.
func (s *Service) DescribeIdentityPool(ctx context.Context, in *cognitoidentity.DescribeIdentityPoolInput, opts ...options) (*cognitoidentity.DescribeIdentityPoolOutput, error) {
	return showing(ctx, s, aspect{Kind: settingsOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.DescribeIdentityPool, opts)
}

// ListIdentityPools asks the backend.
func (s *Service) ListIdentityPools(ctx context.Context, in *cognitoidentity.ListIdentityPoolsInput, opts ...options) (*cognitoidentity.ListIdentityPoolsOutput, error) {
	return through(ctx, s, in, s.Next.ListIdentityPools, opts)
}

// GetIdentityPoolRoles asks the backend.
func (s *Service) GetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.GetIdentityPoolRolesInput, opts ...options) (*cognitoidentity.GetIdentityPoolRolesOutput, error) {
	return showing(ctx, s, aspect{Kind: rolesOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.GetIdentityPoolRoles, opts)
}

// UpdateIdentityPool ends what was cached for the pool, unless it changed labels and
// names only.
func (s *Service) UpdateIdentityPool(ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput, opts ...options) (*cognitoidentity.UpdateIdentityPoolOutput, error) {
	same := func(out *cognitoidentity.UpdateIdentityPoolOutput, before poolState) bool {
		told := cognitoidentity.DescribeIdentityPoolOutput(*out)
		after, err := digestOf(settings(&told))
		return err == nil && after == before
	}
	return changing(ctx, s, aspect{Kind: settingsOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.UpdateIdentityPool, opts, same)
}

// DeleteIdentityPool ends what was cached for the pool.
func (s *Service) DeleteIdentityPool(ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput, opts ...options) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
	out, err := changing(ctx, s, aspect{Kind: settingsOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.DeleteIdentityPool, opts, nil)
	if err == nil {
		s.developers.Delete(aws.ToString(in.IdentityPoolId))
	}
	return out, err
}

// SetIdentityPoolRoles ends the credentials that were cached for the pool.
func (s *Service) SetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput, opts ...options) (*cognitoidentity.SetIdentityPoolRolesOutput, error) {
	return changing(ctx, s, aspect{Kind: rolesOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.SetIdentityPoolRoles, opts, nil)
}
