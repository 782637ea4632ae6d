package embedded

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// SetPrincipalTagAttributeMap replaces the map from a provider's claims to session
// tags (docs/cognito.md#pools and #session-tags).
func (e *poolOperations) SetPrincipalTagAttributeMap(
	ctx context.Context, in *cognitoidentity.SetPrincipalTagAttributeMapInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.SetPrincipalTagAttributeMapOutput, error) {
	if err := e.begin("SetPrincipalTagAttributeMap", in); err != nil {
		return nil, err
	}
	out := &cognitoidentity.SetPrincipalTagAttributeMapOutput{
		IdentityPoolId: in.IdentityPoolId, IdentityProviderName: in.IdentityProviderName,
		PrincipalTags: maps.Clone(in.PrincipalTags), UseDefaults: aws.Bool(aws.ToBool(in.UseDefaults)),
	}
	if _, err := e.changePool(ctx, *in.IdentityPoolId, &out.ResultMetadata, setTagMap(in)); err != nil {
		return nil, err
	}
	return out, nil
}

func setTagMap(in *cognitoidentity.SetPrincipalTagAttributeMapInput) alteration {
	tags := rules.TagMap{UseDefaults: aws.ToBool(in.UseDefaults), Tags: maps.Clone(in.PrincipalTags)}
	return func(p *rules.Pool) error { return p.SetTagMap(*in.IdentityProviderName, tags) }
}

// GetPrincipalTagAttributeMap shows a provider's map; one that was never set is
// empty, and without defaults.
func (e *poolOperations) GetPrincipalTagAttributeMap(
	_ context.Context, in *cognitoidentity.GetPrincipalTagAttributeMapInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetPrincipalTagAttributeMapOutput, error) {
	if err := e.begin("GetPrincipalTagAttributeMap", in); err != nil {
		return nil, err
	}
	p, ok := e.pool(*in.IdentityPoolId)
	if !ok {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	tags := p.TagMap(*in.IdentityProviderName)
	return &cognitoidentity.GetPrincipalTagAttributeMapOutput{
		IdentityPoolId: in.IdentityPoolId, IdentityProviderName: in.IdentityProviderName,
		PrincipalTags: maps.Clone(tags.Tags), UseDefaults: aws.Bool(tags.UseDefaults),
	}, nil
}
