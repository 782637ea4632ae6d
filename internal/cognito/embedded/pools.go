package embedded

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// CreateIdentityPool makes a pool under a new id of the engine's region. Names
// are labels: pools may share one.
func (e *poolOperations) CreateIdentityPool(
	ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.CreateIdentityPoolOutput, error) {
	if err := e.begin("CreateIdentityPool", in); err != nil {
		return nil, err
	}
	e.changing.Lock()
	defer e.changing.Unlock()
	p, err := e.newPool(in)
	if err != nil {
		return nil, err
	}
	err = e.commit(ctx, func(tx *store.Tx) error { return tx.PutPool(p) },
		func(pools map[string]rules.Pool) { pools[p.ID] = p })
	if err != nil {
		return nil, err
	}
	return ptr(cognitoidentity.CreateIdentityPoolOutput(show(&p))), nil
}

// newPool is the pool that a call makes, or why it cannot.
func (e *poolOperations) newPool(in *cognitoidentity.CreateIdentityPoolInput) (rules.Pool, error) {
	p := poolOf(*in, newID(e.region))
	if err := rules.CheckPool(&p, e.checks.emulated()...); err != nil {
		return p, err
	}
	if len(*e.pools.Load()) >= rules.MaxPools {
		return p, cognito.LimitExceeded("An account takes at most 1000 identity pools.")
	}
	return p, nil
}

// DescribeIdentityPool shows a pool as it was set.
func (e *poolOperations) DescribeIdentityPool(
	_ context.Context, in *cognitoidentity.DescribeIdentityPoolInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.DescribeIdentityPoolOutput, error) {
	if err := e.begin("DescribeIdentityPool", in); err != nil {
		return nil, err
	}
	p, ok := e.pool(*in.IdentityPoolId)
	if !ok {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	return ptr(show(&p)), nil
}

// UpdateIdentityPool replaces a pool: what is left out goes back to its default
// (docs/cognito.md#pools). What has operations of its own (roles, mappings, principal tags)
// is no part of it, and tags are only where the call brings some, or an empty map of
// them, which then replace those there were. The developer provider's name stays,
// once it is set: left out it is kept, another one is refused.
func (e *poolOperations) UpdateIdentityPool(
	ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.UpdateIdentityPoolOutput, error) {
	if err := e.begin("UpdateIdentityPool", in); err != nil {
		return nil, err
	}
	var note middleware.Metadata
	p, err := e.changePool(ctx, *in.IdentityPoolId, &note, e.replacement(in))
	if err != nil {
		return nil, err
	}
	out := ptr(cognitoidentity.UpdateIdentityPoolOutput(show(&p)))
	out.ResultMetadata = note
	return out, nil
}

// replacement is the change that an UpdateIdentityPool makes.
func (e *poolOperations) replacement(in *cognitoidentity.UpdateIdentityPoolInput) alteration {
	emulated := e.checks.emulated()
	return func(p *rules.Pool) error {
		next := poolOf(settings{
			AllowClassicFlow: in.AllowClassicFlow, AllowUnauthenticatedIdentities: in.AllowUnauthenticatedIdentities,
			CognitoIdentityProviders: in.CognitoIdentityProviders, DeveloperProviderName: in.DeveloperProviderName,
			IdentityPoolName: in.IdentityPoolName, IdentityPoolTags: in.IdentityPoolTags,
			OpenIdConnectProviderARNs: in.OpenIdConnectProviderARNs, SamlProviderARNs: in.SamlProviderARNs,
			SupportedLoginProviders: in.SupportedLoginProviders,
		}, p.ID)
		if next.DeveloperProvider == "" {
			next.DeveloperProvider = p.DeveloperProvider
		}
		if p.DeveloperProvider != "" && next.DeveloperProvider != p.DeveloperProvider {
			return cognito.InvalidParameter("DeveloperProviderName cannot be changed once it is set.")
		}
		if in.IdentityPoolTags == nil {
			next.Tags = p.Tags
		}
		next.Roles, next.Mappings, next.PrincipalTags, next.GuestRetention = p.Roles, p.Mappings, p.PrincipalTags,
			p.GuestRetention
		*p = next
		return rules.CheckPool(p, emulated...)
	}
}

// DeleteIdentityPool removes a pool and all its identities.
func (e *poolOperations) DeleteIdentityPool(
	ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
	if err := e.begin("DeleteIdentityPool", in); err != nil {
		return nil, err
	}
	e.changing.Lock()
	defer e.changing.Unlock()
	id := *in.IdentityPoolId
	if _, ok := e.pool(id); !ok {
		return nil, cognito.PoolNotFound(id)
	}
	err := e.commit(ctx, func(tx *store.Tx) error { return tx.DeletePool(id) },
		func(pools map[string]rules.Pool) { delete(pools, id); e.checks.signedOut.Delete(id) })
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.DeleteIdentityPoolOutput{}, nil
}

// ListIdentityPools lists pools by id, a page at a time.
func (e *poolOperations) ListIdentityPools(
	_ context.Context, in *cognitoidentity.ListIdentityPoolsInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.ListIdentityPoolsOutput, error) {
	const query = "ListIdentityPools"
	if err := e.begin(query, in); err != nil {
		return nil, err
	}
	last, err := e.pages.last(query, in.NextToken)
	if err != nil {
		return nil, err
	}
	pools := *e.pools.Load()
	ids := slices.Sorted(maps.Keys(pools))
	at, _ := slices.BinarySearchFunc(ids, last, func(id, last string) int {
		if id <= last {
			return -1
		}
		return 1
	})
	out := &cognitoidentity.ListIdentityPoolsOutput{IdentityPools: []types.IdentityPoolShortDescription{}}
	for _, id := range ids[at:] {
		if len(out.IdentityPools) == int(*in.MaxResults) {
			out.NextToken = aws.String(e.pages.next(query, *out.IdentityPools[len(out.IdentityPools)-1].IdentityPoolId))
			break
		}
		out.IdentityPools = append(out.IdentityPools, types.IdentityPoolShortDescription{
			IdentityPoolId: aws.String(id), IdentityPoolName: aws.String(pools[id].Name),
		})
	}
	return out, nil
}
