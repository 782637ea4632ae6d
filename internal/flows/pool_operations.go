package flows

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// poolOperations are the operations on pools, on their parts and on their labels, and what is known
// of pools. They are safe for concurrent use.
type poolOperations struct {
	*Config
	calls      *backendCalls
	fences     fencing
	developers sync.Map // developer provider by pool
}

// changePart makes a call that changes a part of a pool (see changePool), when it has a slot.
func changePart[In, Out any](
	ctx context.Context, p *poolOperations, part poolPart, in *In, op operation[In, Out], opts []options,
	same func(*Out, poolState) bool,
) (*Out, error) {
	if !p.serves(part.Pool) {
		return nil, cognito.PoolNotFound(part.Pool)
	}
	part.Pool, part.Provider = strings.Clone(part.Pool), strings.Clone(part.Provider) // the record outlives the call
	change := func(ctx context.Context, in *In, opts ...options) (*Out, error) {
		once := func(ctx context.Context) (*Out, error) { return op(ctx, in, opts...) }
		return changePool(ctx, p.fences.poolChanges, part, once, same)
	}
	return bind(p.calls, in, change, opts)(ctx)
}

// showPart makes a call that shows a part of a pool. What it shows of a change of unknown outcome
// holds for all from then on.
func showPart[Out any](ctx context.Context, p *poolOperations, part poolPart, show call[Out]) (*Out, error) {
	out, err := show(ctx)
	if err != nil {
		return nil, err
	}
	return unlessFailed(out, p.fences.confirm(ctx, part.Pool, cache.CredentialsScope(part.Pool)))
}

// partOf is a part of a pool that has no provider.
func partOf(kind string, pool *string) poolPart {
	return poolPart{Kind: kind, Pool: aws.ToString(pool)}
}

// CreateIdentityPool asks the backend.
func (p *poolOperations) CreateIdentityPool(
	ctx context.Context, in *ci.CreateIdentityPoolInput, opts ...options,
) (*ci.CreateIdentityPoolOutput, error) {
	return bind(p.calls, in, p.Next.CreateIdentityPool, opts)(ctx)
}

// DescribeIdentityPool asks the backend.
func (p *poolOperations) DescribeIdentityPool(
	ctx context.Context, in *ci.DescribeIdentityPoolInput, opts ...options,
) (*ci.DescribeIdentityPoolOutput, error) {
	return showPart(ctx, p, partOf(settingsOf, in.IdentityPoolId), bind(p.calls, in, p.Next.DescribeIdentityPool, opts))
}

// ListIdentityPools asks the backend.
func (p *poolOperations) ListIdentityPools(
	ctx context.Context, in *ci.ListIdentityPoolsInput, opts ...options,
) (*ci.ListIdentityPoolsOutput, error) {
	return bind(p.calls, in, p.Next.ListIdentityPools, opts)(ctx)
}

// GetIdentityPoolRoles asks the backend.
func (p *poolOperations) GetIdentityPoolRoles(
	ctx context.Context, in *ci.GetIdentityPoolRolesInput, opts ...options,
) (*ci.GetIdentityPoolRolesOutput, error) {
	return showPart(ctx, p, partOf(rolesOf, in.IdentityPoolId), bind(p.calls, in, p.Next.GetIdentityPoolRoles, opts))
}

// UpdateIdentityPool ends what was cached for the pool, unless it changed labels and
// names only.
func (p *poolOperations) UpdateIdentityPool(
	ctx context.Context, in *ci.UpdateIdentityPoolInput, opts ...options,
) (*ci.UpdateIdentityPoolOutput, error) {
	same := func(out *ci.UpdateIdentityPoolOutput, before poolState) bool {
		told := ci.DescribeIdentityPoolOutput(*out)
		after, err := digestOf(settings(&told))
		return err == nil && after == before
	}
	return changePart(ctx, p, partOf(settingsOf, in.IdentityPoolId), in, p.Next.UpdateIdentityPool, opts, same)
}

// DeleteIdentityPool ends what was cached for the pool.
func (p *poolOperations) DeleteIdentityPool(
	ctx context.Context, in *ci.DeleteIdentityPoolInput, opts ...options,
) (*ci.DeleteIdentityPoolOutput, error) {
	out, err := changePart(ctx, p, partOf(settingsOf, in.IdentityPoolId), in, p.Next.DeleteIdentityPool, opts, nil)
	if err == nil {
		p.developers.Delete(aws.ToString(in.IdentityPoolId))
	}
	return out, err
}

// SetIdentityPoolRoles ends the credentials that were cached for the pool.
func (p *poolOperations) SetIdentityPoolRoles(
	ctx context.Context, in *ci.SetIdentityPoolRolesInput, opts ...options,
) (*ci.SetIdentityPoolRolesOutput, error) {
	return changePart(ctx, p, partOf(rolesOf, in.IdentityPoolId), in, p.Next.SetIdentityPoolRoles, opts, nil)
}

// DeveloperProvider is the pool's developer provider. It never changes once it is
// set, so it is asked for once.
func (p *poolOperations) DeveloperProvider(ctx context.Context, pool string) (string, error) {
	if !p.serves(pool) {
		return "", cognito.PoolNotFound(pool)
	}
	if name := p.DeveloperNames[pool]; name != "" {
		return name, nil
	}
	if name, ok := p.developers.Load(pool); ok {
		return name.(string), nil
	}
	out, err := p.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: aws.String(pool)})
	if err != nil {
		return "", err
	}
	name := aws.ToString(out.DeveloperProviderName)
	if name == "" {
		return "", cognito.InvalidParameter("The identity pool has no developer provider.")
	}
	p.developers.Store(pool, name)
	return name, nil
}
