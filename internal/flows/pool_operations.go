package flows

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// changePart makes a call that changes a part of a pool (see changePool), when it has a slot.
func changePart[In, Out any](
	ctx context.Context, s *Service, part poolPart, in *In, op operation[In, Out], opts []options,
	same func(*Out, poolState) bool,
) (*Out, error) {
	if !s.serves(part.Pool) {
		return nil, cognito.PoolNotFound(part.Pool)
	}
	part.Pool, part.Provider = strings.Clone(part.Pool), strings.Clone(part.Provider) // the record outlives the call
	change := func(ctx context.Context, in *In, opts ...options) (*Out, error) {
		once := func(ctx context.Context) (*Out, error) { return op(ctx, in, opts...) }
		return changePool(ctx, s.fences.poolChanges, part, once, same)
	}
	return bind(s, in, change, opts)(ctx)
}

// showPart makes a call that shows a part of a pool. What it shows of a change of unknown outcome
// holds for all from then on.
func showPart[Out any](ctx context.Context, s *Service, part poolPart, show call[Out]) (*Out, error) {
	out, err := show(ctx)
	if err != nil {
		return nil, err
	}
	return unlessFailed(out, s.fences.confirm(ctx, part.Pool, cache.CredentialsScope(part.Pool)))
}

// partOf is a part of a pool that has no provider.
func partOf(kind string, pool *string) poolPart {
	return poolPart{Kind: kind, Pool: aws.ToString(pool)}
}

// CreateIdentityPool asks the backend.
func (s *Service) CreateIdentityPool(
	ctx context.Context, in *ci.CreateIdentityPoolInput, opts ...options,
) (*ci.CreateIdentityPoolOutput, error) {
	return bind(s, in, s.Next.CreateIdentityPool, opts)(ctx)
}

// DescribeIdentityPool asks the backend.
func (s *Service) DescribeIdentityPool(
	ctx context.Context, in *ci.DescribeIdentityPoolInput, opts ...options,
) (*ci.DescribeIdentityPoolOutput, error) {
	return showPart(ctx, s, partOf(settingsOf, in.IdentityPoolId), bind(s, in, s.Next.DescribeIdentityPool, opts))
}

// ListIdentityPools asks the backend.
func (s *Service) ListIdentityPools(
	ctx context.Context, in *ci.ListIdentityPoolsInput, opts ...options,
) (*ci.ListIdentityPoolsOutput, error) {
	return bind(s, in, s.Next.ListIdentityPools, opts)(ctx)
}

// GetIdentityPoolRoles asks the backend.
func (s *Service) GetIdentityPoolRoles(
	ctx context.Context, in *ci.GetIdentityPoolRolesInput, opts ...options,
) (*ci.GetIdentityPoolRolesOutput, error) {
	return showPart(ctx, s, partOf(rolesOf, in.IdentityPoolId), bind(s, in, s.Next.GetIdentityPoolRoles, opts))
}

// UpdateIdentityPool ends what was cached for the pool, unless it changed labels and
// names only.
func (s *Service) UpdateIdentityPool(
	ctx context.Context, in *ci.UpdateIdentityPoolInput, opts ...options,
) (*ci.UpdateIdentityPoolOutput, error) {
	same := func(out *ci.UpdateIdentityPoolOutput, before poolState) bool {
		told := ci.DescribeIdentityPoolOutput(*out)
		after, err := digestOf(settings(&told))
		return err == nil && after == before
	}
	return changePart(ctx, s, partOf(settingsOf, in.IdentityPoolId), in, s.Next.UpdateIdentityPool, opts, same)
}

// DeleteIdentityPool ends what was cached for the pool.
func (s *Service) DeleteIdentityPool(
	ctx context.Context, in *ci.DeleteIdentityPoolInput, opts ...options,
) (*ci.DeleteIdentityPoolOutput, error) {
	out, err := changePart(ctx, s, partOf(settingsOf, in.IdentityPoolId), in, s.Next.DeleteIdentityPool, opts, nil)
	if err == nil {
		s.developers.Delete(aws.ToString(in.IdentityPoolId))
	}
	return out, err
}

// SetIdentityPoolRoles ends the credentials that were cached for the pool.
func (s *Service) SetIdentityPoolRoles(
	ctx context.Context, in *ci.SetIdentityPoolRolesInput, opts ...options,
) (*ci.SetIdentityPoolRolesOutput, error) {
	return changePart(ctx, s, partOf(rolesOf, in.IdentityPoolId), in, s.Next.SetIdentityPoolRoles, opts, nil)
}
