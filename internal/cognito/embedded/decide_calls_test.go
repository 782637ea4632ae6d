//go:build !race

package embedded_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// The operations that may change something, each decided first.

type option = func(*cognitoidentity.Options)

func (w *foreseen) GetId(
	ctx context.Context, in *cognitoidentity.GetIdInput, _ ...option,
) (*cognitoidentity.GetIdOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.GetId)
}
func (w *foreseen) GetCredentialsForIdentity(
	ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...option,
) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.GetCredentialsForIdentity)
}
func (w *foreseen) GetOpenIdToken(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput, _ ...option,
) (*cognitoidentity.GetOpenIdTokenOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.GetOpenIdToken)
}
func (w *foreseen) UnlinkIdentity(
	ctx context.Context, in *cognitoidentity.UnlinkIdentityInput, _ ...option,
) (*cognitoidentity.UnlinkIdentityOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.UnlinkIdentity)
}
func (w *foreseen) DeleteIdentities(
	ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput, _ ...option,
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.DeleteIdentities)
}
func (w *foreseen) GetOpenIdTokenForDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, _ ...option,
) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.GetOpenIdTokenForDeveloperIdentity)
}
func (w *foreseen) UnlinkDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.UnlinkDeveloperIdentityInput, _ ...option,
) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.UnlinkDeveloperIdentity)
}
func (w *foreseen) MergeDeveloperIdentities(
	ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput, _ ...option,
) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.MergeDeveloperIdentities)
}
func (w *foreseen) CreateIdentityPool(
	ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput, _ ...option,
) (*cognitoidentity.CreateIdentityPoolOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.CreateIdentityPool)
}
func (w *foreseen) UpdateIdentityPool(
	ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput, _ ...option,
) (*cognitoidentity.UpdateIdentityPoolOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.UpdateIdentityPool)
}
func (w *foreseen) DeleteIdentityPool(
	ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput, _ ...option,
) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.DeleteIdentityPool)
}
func (w *foreseen) SetIdentityPoolRoles(
	ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput, _ ...option,
) (*cognitoidentity.SetIdentityPoolRolesOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.SetIdentityPoolRoles)
}
func (w *foreseen) SetPrincipalTagAttributeMap(
	ctx context.Context, in *cognitoidentity.SetPrincipalTagAttributeMapInput, _ ...option,
) (*cognitoidentity.SetPrincipalTagAttributeMapOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.SetPrincipalTagAttributeMap)
}
func (w *foreseen) TagResource(
	ctx context.Context, in *cognitoidentity.TagResourceInput, _ ...option,
) (*cognitoidentity.TagResourceOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.TagResource)
}
func (w *foreseen) UntagResource(
	ctx context.Context, in *cognitoidentity.UntagResourceInput, _ ...option,
) (*cognitoidentity.UntagResourceOutput, error) {
	return decideFirst(ctx, w, in, w.Engine.UntagResource)
}
