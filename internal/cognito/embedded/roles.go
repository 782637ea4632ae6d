package embedded

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// SetIdentityPoolRoles replaces a pool's roles and role mappings together.
func (e *poolOperations) SetIdentityPoolRoles(
	ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.SetIdentityPoolRolesOutput, error) {
	if err := e.begin("SetIdentityPoolRoles", in); err != nil {
		return nil, err
	}
	out := &cognitoidentity.SetIdentityPoolRolesOutput{}
	if _, err := e.changePool(ctx, *in.IdentityPoolId, &out.ResultMetadata, e.setRoles(in)); err != nil {
		return nil, err
	}
	return out, nil
}

func (e *poolOperations) setRoles(in *cognitoidentity.SetIdentityPoolRolesInput) alteration {
	roles := rules.Roles{Authenticated: in.Roles["authenticated"], Unauthenticated: in.Roles["unauthenticated"]}
	mappings := mappingsOf(in.RoleMappings)
	return func(p *rules.Pool) error { return p.SetRoles(e.accountID, roles, mappings) }
}

// GetIdentityPoolRoles shows what SetIdentityPoolRoles set.
func (e *poolOperations) GetIdentityPoolRoles(
	_ context.Context, in *cognitoidentity.GetIdentityPoolRolesInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetIdentityPoolRolesOutput, error) {
	if err := e.begin("GetIdentityPoolRoles", in); err != nil {
		return nil, err
	}
	p, ok := e.pool(*in.IdentityPoolId)
	if !ok {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	out := &cognitoidentity.GetIdentityPoolRolesOutput{IdentityPoolId: in.IdentityPoolId,
		RoleMappings: showMappings(p.Mappings)}
	for slot, role := range map[string]string{"authenticated": p.Roles.Authenticated,
		"unauthenticated": p.Roles.Unauthenticated} {
		if role != "" {
			if out.Roles == nil {
				out.Roles = map[string]string{}
			}
			out.Roles[slot] = role
		}
	}
	return out, nil
}
