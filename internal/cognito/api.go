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

// API is what a backend serves. Its methods are those of
// cognitoidentity.Client, gathered by subject; an operation enters the broker
// by entering one of these interfaces.
//
// Implementations are safe for concurrent use, do not keep what they are
// handed, and fail with the SDK's own error types (see Code).
type API interface {
	IdentityAPI
	CredentialsAPI
}

// IdentityAPI finds and makes identities.
type IdentityAPI interface {
	GetId(ctx context.Context, in *cognitoidentity.GetIdInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error)
}

// CredentialsAPI exchanges an identity and its logins for AWS credentials.
type CredentialsAPI interface {
	GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error)
}

// The SDK's client is a backend without an adapter.
var _ API = (*cognitoidentity.Client)(nil)
