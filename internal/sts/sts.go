// Package sts turns an identity that was proven before into credentials of a role,
// behind two ports: Assumer for an identity that the caller vouches for, API for
// a token that whoever answers verifies. The built-in STS of this package issues
// without any list of what it issued: access key, secret and session token carry
// and prove themselves.
//
// It refuses roles of other accounts, and tokens that were not sealed by its own
// keys. It knows nothing of HTTP, of identity pools or of how the identity was
// proven: callers of Assumer vouch for the identity.
package sts

import (
	"context"
	"time"
)

// WebIdentity is a proven identity, as a token of its issuer would state it.
type WebIdentity struct {
	Provider string   // the issuer without scheme, such as cognito-identity.amazonaws.com
	Audience string   // whom the identity was proven to: the pool's id
	Subject  string   // the identity's id
	AMR      []string // how it was proven, in the issuer's words
	// Tags are the session tags that the issuer vouches for: principal tags by key.
	Tags map[string]string
}

// AssumeRequest asks for credentials of a role.
type AssumeRequest struct {
	RoleARN     string
	SessionName string
	Identity    WebIdentity
	Duration    time.Duration // from MinDuration to MaxDuration; there is no default
	Policy      string        // inline session policy, JSON; empty: none
	PolicyARNs  []string      // managed session policies
}

// Assumer turns a proven identity into credentials of a role.
type Assumer interface {
	// Assume issues credentials for req. A refusal is an *Error: AccessDenied,
	// ValidationError, PackedPolicyTooLarge or another of STS's codes. Any other
	// error is a passing fault and says nothing of the request. It is safe for
	// concurrent use.
	Assume(ctx context.Context, req AssumeRequest) (Credentials, error)
}

// Request is a call of AssumeRoleWithWebIdentity, as clients make it.
type Request struct {
	RoleARN     string
	SessionName string
	Token       string        // the web identity; whoever answers verifies it
	ProviderID  string        // for OAuth 2 providers only
	Duration    time.Duration // zero: an hour
	Policy      string        // inline session policy, JSON; empty: none
	PolicyARNs  []string      // managed session policies
}

// Response is what a call of AssumeRoleWithWebIdentity brings.
type Response struct {
	Credentials Credentials
	Provider    string // the token's issuer
	Audience    string
	Subject     string
	// PackedPolicySize is the share of the allotted space that session policies
	// and tags take, in percent; zero is not sent.
	PackedPolicySize int
}

// API is STS as clients see it.
type API interface {
	// AssumeRoleWithWebIdentity verifies req.Token and issues credentials. It
	// fails as Assumer does, and with InvalidIdentityToken and
	// ExpiredTokenException for tokens. It is safe for concurrent use.
	AssumeRoleWithWebIdentity(ctx context.Context, req Request) (*Response, error)
}
