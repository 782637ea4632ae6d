package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

var _ sts.Trust = (*Engine)(nil)

// Verify proves a token to the built-in STS: genuine, and still speaking for an
// identity that exists. AWS's STS cannot look; this one can, so a token ends with
// what it tells of.
func (e *ownTokens) Verify(ctx context.Context, token string) (sts.WebIdentity, error) {
	claims, err := e.issuer.Verify(token)
	if err != nil {
		return sts.WebIdentity{}, e.refuseToken(token, err)
	}
	pool, ok := e.pool(claims.Audience)
	if !ok {
		return sts.WebIdentity{}, sts.NotAuthorized(cognito.PoolNotFound(claims.Audience))
	}
	err = e.stillSpeaks(ctx, &pool, claims.Subject,
		&cognito.Token{Pool: claims.Audience, Identity: claims.Subject, AMR: claims.AMR, Issued: claims.IssuedAt})
	if err != nil {
		if cognito.Passing(err) {
			return sts.WebIdentity{}, err
		}
		return sts.WebIdentity{}, sts.NotAuthorized(err)
	}
	return sts.WebIdentity{Provider: cognito.PassThrough, Audience: claims.Audience, Subject: claims.Subject,
		AMR: claims.AMR, Tags: claims.Tags}, nil
}

// MayAssume asks the role's trust policy. A role that has none must be the one that
// the pool of the token hands out to its like (see rules.TokenRole): nobody picks
// one of the others, such as those of role mappings.
func (e *ownTokens) MayAssume(_ context.Context, req sts.AssumeRequest) error {
	if policy, ok := e.trust[req.RoleARN]; ok {
		return distrust(policy.Decide(trustRequest(req)))
	}
	pool, ok := e.pool(req.Identity.Audience)
	if !ok || req.Identity.Provider != cognito.PassThrough {
		return sts.NotAuthorized(nil)
	}
	role, err := rules.TokenRole(&pool, e.accountID, req.Identity.AMR)
	if err != nil || role != req.RoleARN {
		return sts.NotAuthorized(err)
	}
	return nil
}

// trusted asks the trust policy of a role that the pool hands out, if it has one.
func (e *ownTokens) trusted(req sts.AssumeRequest) error {
	if policy, ok := e.trust[req.RoleARN]; ok {
		return distrust(policy.Decide(trustRequest(req)))
	}
	return nil
}

func trustRequest(req sts.AssumeRequest) trust.Request {
	return trust.Request{
		Provider: req.Identity.Provider, Audience: req.Identity.Audience, Subject: req.Identity.Subject,
		AMR: req.Identity.AMR, SessionName: req.SessionName, Tags: req.Identity.Tags,
	}
}

// distrust makes a refusal of STS of a decision; the log learns why.
func distrust(d trust.Decision) error {
	if d.Allowed {
		return nil
	}
	return sts.NotAuthorized(fmt.Errorf("trust policy, statement %s, line %d: %s", d.Statement, d.Line, d.Reason))
}

// Mint makes a token for an identity that the engine itself proved, for an STS
// that wants to see one. It lives as long as such a call may take.
func (e *ownTokens) Mint(ctx context.Context, id sts.WebIdentity) (string, error) {
	return e.sign(ctx, e.now(), id.Audience, id.Subject, id.AMR, tokenLife, id.Tags)
}

// refuseToken words what is wrong with a token as STS words it
// (docs/cognito.md#assumerolewithwebidentity).
func (e *ownTokens) refuseToken(token string, err error) error {
	invalid, ok := errors.AsType[*issuer.Invalid](err)
	if !ok {
		return err
	}
	switch invalid.Reason {
	case issuer.Foreign, issuer.Unverified:
		// Whose token it claims to be decides which of the two STS says: it
		// looks for keys only after it knows the issuer.
		if iss := logins.UnverifiedIssuer(token); iss != "" && iss != e.issuer.Name() {
			return sts.UnknownProvider(iss)
		}
		return sts.UnverifiedToken(err)
	case issuer.Expired:
		return sts.ExpiredToken(e.now(), invalid.Expired, err)
	}
	return sts.InvalidToken(err)
}
