package upstream

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
)

// prepared is a signed operation before its region is known.
type prepared[In, Out any] struct {
	operation string
	do        method[In, Out]
	opts      []options
	once      bool              // see attempts
	logins    map[string]string // see call
}

func prepare[In, Out any](operation string, do method[In, Out], opts []options) prepared[In, Out] {
	return prepared[In, Out]{operation: operation, do: do, opts: opts}
}

// onPool makes a signed call about a pool.
func onPool[In, Out any](ctx context.Context, b *Backend, pool *string, p prepared[In, Out], in *In) (*Out, error) {
	region, err := b.poolRegion(aws.ToString(pool))
	if err != nil {
		return nil, err
	}
	return inRegion(ctx, b, region, p, in)
}

// inRegion makes a signed call.
func inRegion[In, Out any](ctx context.Context, b *Backend, region string, p prepared[In, Out], in *In) (*Out, error) {
	c, err := b.signed(p.operation, region, p.opts)
	if err != nil {
		return nil, err
	}
	c.once, c.logins = p.once, p.logins
	return send(ctx, c, p.do, in)
}

// GetOpenIdTokenForDeveloperIdentity asks upstream, signed.
func (b *Backend) GetOpenIdTokenForDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, opts ...options,
) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	p := prepare("GetOpenIdTokenForDeveloperIdentity", (*cognitoidentity.Client).GetOpenIdTokenForDeveloperIdentity, opts)
	p.logins = in.Logins
	out, err := onPool(ctx, b, in.IdentityPoolId, p, in)
	if err != nil {
		return nil, b.directory.refusedIn(aws.ToString(in.IdentityPoolId), aws.ToString(in.IdentityId), err)
	}
	pool := *in.IdentityPoolId
	// A token of another pool than asked for would contradict the answer: then
	// nothing is known.
	if told, ok := poolOf(*out.Token, *out.IdentityId); !ok || told == pool {
		b.directory.learn(*out.IdentityId, pool, true)
	}
	return out, nil
}

// DescribeIdentity asks upstream, signed.
func (b *Backend) DescribeIdentity(
	ctx context.Context, in *cognitoidentity.DescribeIdentityInput, opts ...options,
) (*cognitoidentity.DescribeIdentityOutput, error) {
	id := aws.ToString(in.IdentityId)
	region, err := b.signedRegion(id)
	if err != nil {
		return nil, err
	}
	out, err := inRegion(ctx, b, region, prepare("DescribeIdentity", (*cognitoidentity.Client).DescribeIdentity, opts), in)
	return out, b.directory.refused(id, err)
}

// CreateIdentityPool asks upstream, signed, in the Backend's region. Each request
// that arrives makes another pool, so one that may have arrived is not repeated.
// Where only some pools are served, the new one is not before the configuration
// names it.
func (b *Backend) CreateIdentityPool(
	ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput, opts ...options,
) (*cognitoidentity.CreateIdentityPoolOutput, error) {
	p := prepare("CreateIdentityPool", (*cognitoidentity.Client).CreateIdentityPool, opts)
	p.once = true
	return inRegion(ctx, b, b.region, p, in)
}

// DescribeIdentityPool asks upstream, signed.
func (b *Backend) DescribeIdentityPool(
	ctx context.Context, in *cognitoidentity.DescribeIdentityPoolInput, opts ...options,
) (*cognitoidentity.DescribeIdentityPoolOutput, error) {
	return onPool(ctx, b, in.IdentityPoolId,
		prepare("DescribeIdentityPool", (*cognitoidentity.Client).DescribeIdentityPool, opts), in)
}

// ListIdentityPools asks upstream, signed, in the Backend's region, and leaves
// out the pools that are not served: a page may have fewer than asked for.
func (b *Backend) ListIdentityPools(
	ctx context.Context, in *cognitoidentity.ListIdentityPoolsInput, opts ...options,
) (*cognitoidentity.ListIdentityPoolsOutput, error) {
	out, err := inRegion(ctx, b, b.region, prepare("ListIdentityPools", (*cognitoidentity.Client).ListIdentityPools, opts),
		in)
	if err != nil {
		return nil, err
	}
	out.IdentityPools = slices.DeleteFunc(out.IdentityPools, func(p types.IdentityPoolShortDescription) bool {
		return !b.serves(aws.ToString(p.IdentityPoolId))
	})
	return out, nil
}

// UpdateIdentityPool asks upstream, signed.
func (b *Backend) UpdateIdentityPool(
	ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput, opts ...options,
) (*cognitoidentity.UpdateIdentityPoolOutput, error) {
	return onPool(ctx, b, in.IdentityPoolId,
		prepare("UpdateIdentityPool", (*cognitoidentity.Client).UpdateIdentityPool, opts), in)
}

// DeleteIdentityPool asks upstream, signed. A request that may have arrived is
// not repeated: the second would not find the pool. When it is gone, what was known of
// its identities is forgotten; of an unknown outcome, each is when upstream does not
// find it.
func (b *Backend) DeleteIdentityPool(
	ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput, opts ...options,
) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
	p := prepare("DeleteIdentityPool", (*cognitoidentity.Client).DeleteIdentityPool, opts)
	p.once = true
	out, err := onPool(ctx, b, in.IdentityPoolId, p, in)
	_, missing := errors.AsType[*types.ResourceNotFoundException](err)
	if pool := aws.ToString(in.IdentityPoolId); b.serves(pool) && (err == nil || missing && cognito.Unmade(err)) {
		b.directory.forgetPool(pool)
	}
	return out, err
}

// SetIdentityPoolRoles asks upstream, signed.
func (b *Backend) SetIdentityPoolRoles(
	ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput, opts ...options,
) (*cognitoidentity.SetIdentityPoolRolesOutput, error) {
	return onPool(ctx, b, in.IdentityPoolId,
		prepare("SetIdentityPoolRoles", (*cognitoidentity.Client).SetIdentityPoolRoles, opts), in)
}

// GetIdentityPoolRoles asks upstream, signed.
func (b *Backend) GetIdentityPoolRoles(
	ctx context.Context, in *cognitoidentity.GetIdentityPoolRolesInput, opts ...options,
) (*cognitoidentity.GetIdentityPoolRolesOutput, error) {
	return onPool(ctx, b, in.IdentityPoolId,
		prepare("GetIdentityPoolRoles", (*cognitoidentity.Client).GetIdentityPoolRoles, opts), in)
}
