// Package sts trades a proven web identity for temporary credentials of a role,
// behind one port: Assumer. The built-in STS of this package answers the port
// without any list of what it issued: access key, secret and session token carry
// and prove themselves.
//
// It refuses roles of other accounts, and whatever it did not seal itself. It
// knows nothing of HTTP, of identity pools or of how the identity was proven:
// who calls it vouches for the identity.
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
}

// AssumeRequest asks for credentials of a role.
type AssumeRequest struct {
	RoleARN     string
	SessionName string
	Identity    WebIdentity
	Duration    time.Duration // from MinDuration to MaxDuration; there is no default
}

// Assumer turns a proven identity into credentials of a role.
type Assumer interface {
	// AssumeRoleWithWebIdentity issues credentials for req. A refusal is an
	// *Error: AccessDenied, ValidationError, PackedPolicyTooLarge or another of
	// STS's codes. Any other error is a passing fault and says nothing of the
	// request. It is safe for concurrent use.
	AssumeRoleWithWebIdentity(ctx context.Context, req AssumeRequest) (Credentials, error)
}
