package flows

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

type options = func(*ci.Options)

// operation is a method of the backend.
type operation[In, Out any] = func(context.Context, *In, ...options) (*Out, error)

// forward hands a call that touches no cache to the backend.
func forward[In, Out any](
	ctx context.Context, s *Service, in *In, call operation[In, Out], opts []options,
) (*Out, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return call(ctx, in, opts...)
}

// changePart hands a call that changes a part of a pool to the backend (see changePool),
// when it has a slot.
func changePart[In, Out any](
	ctx context.Context, s *Service, part poolPart, in *In, call operation[In, Out], opts []options,
	same func(*Out, poolState) bool,
) (*Out, error) {
	if !s.serves(part.Pool) {
		return nil, cognito.PoolNotFound(part.Pool)
	}
	part.Pool, part.Provider = strings.Clone(part.Pool), strings.Clone(part.Provider) // what is noted outlives the call
	placed := func(ctx context.Context, in *In, opts ...options) (*Out, error) {
		return changePool(ctx, s, part, func(ctx context.Context) (*Out, error) { return call(ctx, in, opts...) }, same)
	}
	return forward(ctx, s, in, placed, opts)
}

// showPart hands a call that shows a part of a pool to the backend. What it shows of a
// change of unknown outcome holds for all from then on.
func showPart[In, Out any](
	ctx context.Context, s *Service, part poolPart, in *In, call operation[In, Out], opts []options,
) (*Out, error) {
	out, err := forward(ctx, s, in, call, opts)
	if err != nil {
		return nil, err
	}
	return unlessFailed(out, s.confirm(ctx, part.Pool, cache.CredentialsScope(part.Pool)))
}

// CreateIdentityPool asks the backend.
func (s *Service) CreateIdentityPool(
	ctx context.Context, in *ci.CreateIdentityPoolInput, opts ...options,
) (*ci.CreateIdentityPoolOutput, error) {
	return forward(ctx, s, in, s.Next.CreateIdentityPool, opts)
}

// DescribeIdentityPool asks the backend.
func (s *Service) DescribeIdentityPool(
	ctx context.Context, in *ci.DescribeIdentityPoolInput, opts ...options,
) (*ci.DescribeIdentityPoolOutput, error) {
	return showPart(
		ctx, s, poolPart{Kind: settingsOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.DescribeIdentityPool, opts,
	)
}

// ListIdentityPools asks the backend.
func (s *Service) ListIdentityPools(
	ctx context.Context, in *ci.ListIdentityPoolsInput, opts ...options,
) (*ci.ListIdentityPoolsOutput, error) {
	return forward(ctx, s, in, s.Next.ListIdentityPools, opts)
}

// GetIdentityPoolRoles asks the backend.
func (s *Service) GetIdentityPoolRoles(
	ctx context.Context, in *ci.GetIdentityPoolRolesInput, opts ...options,
) (*ci.GetIdentityPoolRolesOutput, error) {
	return showPart(
		ctx, s, poolPart{Kind: rolesOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.GetIdentityPoolRoles, opts,
	)
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
	return changePart(
		ctx, s, poolPart{Kind: settingsOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.UpdateIdentityPool, opts, same,
	)
}

// DeleteIdentityPool ends what was cached for the pool.
func (s *Service) DeleteIdentityPool(
	ctx context.Context, in *ci.DeleteIdentityPoolInput, opts ...options,
) (*ci.DeleteIdentityPoolOutput, error) {
	out, err := changePart(
		ctx, s, poolPart{Kind: settingsOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.DeleteIdentityPool, opts, nil,
	)
	if err == nil {
		s.developers.Delete(aws.ToString(in.IdentityPoolId))
	}
	return out, err
}

// SetIdentityPoolRoles ends the credentials that were cached for the pool.
func (s *Service) SetIdentityPoolRoles(
	ctx context.Context, in *ci.SetIdentityPoolRolesInput, opts ...options,
) (*ci.SetIdentityPoolRolesOutput, error) {
	return changePart(
		ctx, s, poolPart{Kind: rolesOf, Pool: aws.ToString(in.IdentityPoolId)}, in, s.Next.SetIdentityPoolRoles, opts, nil,
	)
}
