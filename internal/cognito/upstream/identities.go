package upstream

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
)

// ListIdentities asks upstream, signed, and learns which pool the identities are
// of. Names of logins do not tell whether one may still be linked.
func (b *Backend) ListIdentities(
	ctx context.Context, in *cognitoidentity.ListIdentitiesInput, opts ...options,
) (*cognitoidentity.ListIdentitiesOutput, error) {
	out, err := onPool(ctx, b, in.IdentityPoolId,
		prepare("ListIdentities", (*cognitoidentity.Client).ListIdentities, opts), in)
	if err != nil {
		return nil, err
	}
	for _, i := range out.Identities {
		b.directory.learn(aws.ToString(i.IdentityId), *in.IdentityPoolId, len(i.Logins) > 0)
	}
	return out, nil
}

// DeleteIdentities asks upstream, signed, once in each region that the ids name.
// Ids of no region are listed as refused, without asking. Whatever came of it,
// what was known of the identities is forgotten.
func (b *Backend) DeleteIdentities(
	ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput, opts ...options,
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	out := &cognitoidentity.DeleteIdentitiesOutput{UnprocessedIdentityIds: []types.UnprocessedIdentityId{}}
	byRegion := map[string][]string{}
	for _, id := range in.IdentityIdsToDelete {
		region, err := b.signedRegion(id)
		if err != nil {
			out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, types.UnprocessedIdentityId{
				IdentityId: aws.String(id), ErrorCode: types.ErrorCodeAccessDenied,
			})
			continue
		}
		byRegion[region] = append(byRegion[region], id)
	}
	regions := slices.Sorted(maps.Keys(byRegion))
	for _, region := range regions {
		part := &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: byRegion[region]}
		got, err := inRegion(ctx, b, region, prepare("DeleteIdentities", (*cognitoidentity.Client).DeleteIdentities, opts),
			part)
		for _, id := range part.IdentityIdsToDelete {
			b.directory.forget(id)
		}
		switch {
		case err == nil:
			out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, got.UnprocessedIdentityIds...)
		case len(regions) == 1 && len(out.UnprocessedIdentityIds) == 0:
			return nil, err // nothing was done at all
		default: // of several regions some may have been done: say which not
			out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, unprocessed(part.IdentityIdsToDelete, err)...)
		}
	}
	return out, nil
}

// unprocessed lists ids of a region whose call failed.
func unprocessed(ids []string, err error) []types.UnprocessedIdentityId {
	code := types.ErrorCodeInternalServerError
	if !cognito.Passing(err) {
		code = types.ErrorCodeAccessDenied
	}
	var list []types.UnprocessedIdentityId
	for _, id := range ids {
		list = append(list, types.UnprocessedIdentityId{IdentityId: aws.String(id), ErrorCode: code})
	}
	return list
}

// LookupDeveloperIdentity asks upstream, signed.
func (b *Backend) LookupDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.LookupDeveloperIdentityInput, opts ...options,
) (*cognitoidentity.LookupDeveloperIdentityOutput, error) {
	out, err := onPool(ctx, b, in.IdentityPoolId,
		prepare("LookupDeveloperIdentity", (*cognitoidentity.Client).LookupDeveloperIdentity, opts), in)
	if err != nil {
		return nil, b.directory.refusedIn(aws.ToString(in.IdentityPoolId), aws.ToString(in.IdentityId), err)
	}
	b.directory.learn(*out.IdentityId, *in.IdentityPoolId, len(out.DeveloperUserIdentifierList) > 0)
	return out, nil
}

// MergeDeveloperIdentities asks upstream, signed. To merge again what was merged
// is refused, so a request that may have arrived is not repeated.
func (b *Backend) MergeDeveloperIdentities(
	ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput, opts ...options,
) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
	p := prepare("MergeDeveloperIdentities", (*cognitoidentity.Client).MergeDeveloperIdentities, opts)
	p.once = true
	out, err := onPool(ctx, b, in.IdentityPoolId, p, in)
	if err == nil {
		b.directory.learn(*out.IdentityId, *in.IdentityPoolId, true)
	}
	return out, err
}

// UnlinkDeveloperIdentity asks upstream, signed. A user who is unlinked cannot be
// unlinked again, so a request that may have arrived is not repeated.
func (b *Backend) UnlinkDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.UnlinkDeveloperIdentityInput, opts ...options,
) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
	p := prepare("UnlinkDeveloperIdentity", (*cognitoidentity.Client).UnlinkDeveloperIdentity, opts)
	p.once = true
	out, err := onPool(ctx, b, in.IdentityPoolId, p, in)
	return out, b.directory.refusedIn(aws.ToString(in.IdentityPoolId), aws.ToString(in.IdentityId), err)
}
