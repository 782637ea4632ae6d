package sts

import (
	"context"
	"fmt"
	"time"
)

// Trust judges web identity tokens for Local; the embedded engine is one. It is safe
// for concurrent use, and none of its errors holds anything of a token.
type Trust interface {
	// Verify proves a token. It refuses with *Error: InvalidIdentityToken,
	// ExpiredTokenException, AccessDenied; other errors are passing faults.
	Verify(ctx context.Context, token string) (WebIdentity, error)
	// MayAssume says nil or refuses with *Error AccessDenied; other errors are
	// passing faults.
	MayAssume(ctx context.Context, req AssumeRequest) error
}

// LocalConfig configures a Local.
type LocalConfig struct {
	STS   Assumer // issues; required
	Trust Trust   // judges; required
	// MaxSession is the longest session that a role allows. Nil, or zero for a
	// role: MaxDuration.
	MaxSession func(roleARN string) time.Duration
}

// Local answers the STS API within this process: it checks the request, has its
// Trust verify the token and the right to the role, and has an Assumer issue the
// credentials. It is immutable and safe for concurrent use.
type Local struct {
	sts        Assumer
	trust      Trust
	maxSession func(string) time.Duration
}

var _ API = (*Local)(nil)

// NewLocal keeps the parts of cfg.
func NewLocal(cfg LocalConfig) *Local {
	l := &Local{sts: cfg.STS, trust: cfg.Trust, maxSession: cfg.MaxSession}
	if l.maxSession == nil {
		l.maxSession = func(string) time.Duration { return 0 }
	}
	return l
}

// AssumeRoleWithWebIdentity refuses, in this order, with *Error: ValidationError
// for what breaks a constraint, among them any ProviderID, since that is for
// OAuth 2 providers only; MalformedPolicyDocument and PackedPolicyTooLarge for
// session policies; what Trust refuses, the token first, then the role;
// ValidationError for more than the role's longest session; what the Assumer
// refuses. So nobody learns of a role without a token that may have it. All else
// is a passing fault.
func (l *Local) AssumeRoleWithWebIdentity(ctx context.Context, r Request) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	req, err := r.check()
	if err != nil {
		return nil, err
	}
	if req.Identity, err = l.trust.Verify(ctx, r.Token); err != nil {
		return nil, fmt.Errorf("verify web identity: %w", err)
	}
	if err := l.trust.MayAssume(ctx, req); err != nil {
		return nil, fmt.Errorf("judge trust of role: %w", err)
	}
	if longest := l.maxSession(req.RoleARN); longest != 0 && req.Duration > longest {
		return nil, &Error{Code: CodeValidation, Message: msgTooLong}
	}
	c, err := l.sts.Assume(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("assume role: %w", err)
	}
	return &Response{
		Credentials:      c,
		Provider:         req.Identity.Provider,
		Audience:         req.Identity.Audience,
		Subject:          req.Identity.Subject,
		PackedPolicySize: max(packedPercent(req.Policy, req.PolicyARNs), packedTags(&req.Identity)),
	}, nil
}
