// Package cognito is the port to Amazon Cognito identity pools: the method set
// of the AWS SDK's client, the service's limits and its errors.
//
// Everything that answers as Cognito does implements API: the embedded engine,
// the SDK's own client, and the decorator in flows that caches and fences one
// of them. The package holds no behaviour of the service beyond its vocabulary;
// rules live in embedded, HTTP in awswire and httpapi.
package cognito

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// PassThrough is the key in Logins under which GetCredentialsForIdentity takes a
// token of Cognito itself, and the provider that STS names for one. It stays
// what it is whatever the issuer of the engine's tokens.
const PassThrough = "cognito-identity.amazonaws.com"

// options are the SDK's per-call options, which every method of its client takes.
type options = func(*cognitoidentity.Options)

// API is what a backend serves. Its methods are those of
// cognitoidentity.Client, gathered by subject; an operation enters the broker
// by entering one of these interfaces.
//
// Implementations are safe for concurrent use, do not keep what they are
// handed, and fail with the SDK's own error types (see Public).
type API interface {
	IdentityAPI
	CredentialsAPI
	DeveloperAPI
	PoolAPI
	RolesAPI
	PrincipalTagAPI
	ResourceTagAPI
}

// IdentityAPI finds, makes, shows, unlinks and deletes identities.
type IdentityAPI interface {
	GetId(ctx context.Context, in *cognitoidentity.GetIdInput, opts ...options) (*cognitoidentity.GetIdOutput, error)
	DescribeIdentity(ctx context.Context, in *cognitoidentity.DescribeIdentityInput,
		opts ...options) (*cognitoidentity.DescribeIdentityOutput, error)
	ListIdentities(ctx context.Context, in *cognitoidentity.ListIdentitiesInput,
		opts ...options) (*cognitoidentity.ListIdentitiesOutput, error)
	DeleteIdentities(ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput,
		opts ...options) (*cognitoidentity.DeleteIdentitiesOutput, error)
	UnlinkIdentity(ctx context.Context, in *cognitoidentity.UnlinkIdentityInput,
		opts ...options) (*cognitoidentity.UnlinkIdentityOutput, error)
}

// CredentialsAPI exchanges an identity and its logins for AWS credentials, or
// for an OpenID token that an STS takes.
type CredentialsAPI interface {
	GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput,
		opts ...options) (*cognitoidentity.GetCredentialsForIdentityOutput, error)
	GetOpenIdToken(ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput,
		opts ...options) (*cognitoidentity.GetOpenIdTokenOutput, error)
}

// DeveloperAPI is for backends with their own users.
type DeveloperAPI interface {
	GetOpenIdTokenForDeveloperIdentity(ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput,
		opts ...options) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error)
	LookupDeveloperIdentity(ctx context.Context, in *cognitoidentity.LookupDeveloperIdentityInput,
		opts ...options) (*cognitoidentity.LookupDeveloperIdentityOutput, error)
	MergeDeveloperIdentities(ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput,
		opts ...options) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error)
	UnlinkDeveloperIdentity(ctx context.Context, in *cognitoidentity.UnlinkDeveloperIdentityInput,
		opts ...options) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error)
}

// PoolAPI makes, shows, changes and deletes identity pools.
type PoolAPI interface {
	CreateIdentityPool(ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput,
		opts ...options) (*cognitoidentity.CreateIdentityPoolOutput, error)
	DescribeIdentityPool(ctx context.Context, in *cognitoidentity.DescribeIdentityPoolInput,
		opts ...options) (*cognitoidentity.DescribeIdentityPoolOutput, error)
	ListIdentityPools(ctx context.Context, in *cognitoidentity.ListIdentityPoolsInput,
		opts ...options) (*cognitoidentity.ListIdentityPoolsOutput, error)
	UpdateIdentityPool(ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput,
		opts ...options) (*cognitoidentity.UpdateIdentityPoolOutput, error)
	DeleteIdentityPool(ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput,
		opts ...options) (*cognitoidentity.DeleteIdentityPoolOutput, error)
}

// RolesAPI sets and shows a pool's roles and role mappings.
type RolesAPI interface {
	SetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput,
		opts ...options) (*cognitoidentity.SetIdentityPoolRolesOutput, error)
	GetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.GetIdentityPoolRolesInput,
		opts ...options) (*cognitoidentity.GetIdentityPoolRolesOutput, error)
}

// PrincipalTagAPI sets and shows which claims of a provider's users become session
// tags.
type PrincipalTagAPI interface {
	SetPrincipalTagAttributeMap(ctx context.Context, in *cognitoidentity.SetPrincipalTagAttributeMapInput,
		opts ...options) (*cognitoidentity.SetPrincipalTagAttributeMapOutput, error)
	GetPrincipalTagAttributeMap(ctx context.Context, in *cognitoidentity.GetPrincipalTagAttributeMapInput,
		opts ...options) (*cognitoidentity.GetPrincipalTagAttributeMapOutput, error)
}

// ResourceTagAPI tags pools.
type ResourceTagAPI interface {
	TagResource(ctx context.Context, in *cognitoidentity.TagResourceInput,
		opts ...options) (*cognitoidentity.TagResourceOutput, error)
	UntagResource(ctx context.Context, in *cognitoidentity.UntagResourceInput,
		opts ...options) (*cognitoidentity.UntagResourceOutput, error)
	ListTagsForResource(ctx context.Context, in *cognitoidentity.ListTagsForResourceInput,
		opts ...options) (*cognitoidentity.ListTagsForResourceOutput, error)
}

// The SDK's client is a backend without an adapter.
var _ API = (*cognitoidentity.Client)(nil)
