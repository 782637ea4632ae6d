package upstream

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// GetId asks upstream, unsigned. Without logins each request that arrives makes
// another guest, so a request that may have arrived is not repeated.
func (b *Backend) GetId(
	ctx context.Context, in *cognitoidentity.GetIdInput, opts ...options,
) (*cognitoidentity.GetIdOutput, error) {
	pool := aws.ToString(in.IdentityPoolId)
	region, err := b.poolRegion(pool)
	if err != nil {
		return nil, err
	}
	c := b.app("GetId", region, opts)
	c.once, c.logins = len(in.Logins) == 0, in.Logins
	out, err := send(ctx, c, (*cognitoidentity.Client).GetId, in)
	if err == nil {
		b.directory.learn(*out.IdentityId, pool, len(in.Logins) > 0)
	}
	return out, err
}

// GetCredentialsForIdentity asks upstream, unsigned.
func (b *Backend) GetCredentialsForIdentity(
	ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...options,
) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	id := aws.ToString(in.IdentityId)
	region, err := b.appRegion(id)
	if err != nil {
		return nil, err
	}
	c := b.app("GetCredentialsForIdentity", region, opts)
	c.logins = in.Logins
	out, err := send(ctx, c, (*cognitoidentity.Client).GetCredentialsForIdentity, in)
	if err != nil {
		return nil, b.directory.refused(id, err)
	}
	b.directory.answeredFor(id, *out.IdentityId, len(in.Logins) > 0)
	return out, nil
}

// GetOpenIdToken asks upstream, unsigned. A token of a pool that is not served
// is not handed out.
func (b *Backend) GetOpenIdToken(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput, opts ...options,
) (*cognitoidentity.GetOpenIdTokenOutput, error) {
	id := aws.ToString(in.IdentityId)
	region, err := b.appRegion(id)
	if err != nil {
		return nil, err
	}
	c := b.app("GetOpenIdToken", region, opts)
	c.logins = in.Logins
	out, err := send(ctx, c, (*cognitoidentity.Client).GetOpenIdToken, in)
	if err != nil {
		return nil, b.directory.refused(id, err)
	}
	pool, told := poolOf(*out.Token, *out.IdentityId)
	if !told {
		b.directory.answeredFor(id, *out.IdentityId, len(in.Logins) > 0)
		return out, nil
	}
	b.directory.learn(*out.IdentityId, pool, len(in.Logins) > 0)
	if !b.serves(pool) {
		return nil, cognito.IdentityNotFound(id)
	}
	return out, nil
}

// UnlinkIdentity asks upstream, unsigned. Its logins may prove nothing any more
// once it was done, so a request that may have arrived is not repeated: the
// second would be refused.
func (b *Backend) UnlinkIdentity(
	ctx context.Context, in *cognitoidentity.UnlinkIdentityInput, opts ...options,
) (*cognitoidentity.UnlinkIdentityOutput, error) {
	id := aws.ToString(in.IdentityId)
	region, err := b.appRegion(id)
	if err != nil {
		return nil, err
	}
	c := b.app("UnlinkIdentity", region, opts)
	c.once, c.logins = true, in.Logins
	out, err := send(ctx, c, (*cognitoidentity.Client).UnlinkIdentity, in)
	return out, b.directory.refused(id, err)
}
