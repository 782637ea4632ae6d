package embedded

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

var _ sts.Trust = (*Engine)(nil)

// Verify proves a token to the built-in STS: genuine, and still speaking for an
// identity that exists. AWS's STS cannot look; this one can, so a token ends with
// what it tells of.
func (e *Engine) Verify(ctx context.Context, token string) (sts.WebIdentity, error) {
	claims, err := e.issuer.Verify(token)
	if err != nil {
		return sts.WebIdentity{}, e.refuseToken(token, err)
	}
	pool, ok := e.pool(claims.Audience)
	if !ok {
		return sts.WebIdentity{}, sts.NotAuthorized(cognito.PoolNotFound(claims.Audience))
	}
	err = e.stillSpeaks(ctx, &pool, claims.Subject, &cognito.Token{Pool: claims.Audience, Identity: claims.Subject, AMR: claims.AMR})
	if err != nil {
		if cognito.Passing(err) {
			return sts.WebIdentity{}, err
		}
		return sts.WebIdentity{}, sts.NotAuthorized(err)
	}
	return sts.WebIdentity{Provider: cognito.PassThrough, Audience: claims.Audience, Subject: claims.Subject, AMR: claims.AMR, Tags: claims.Tags}, nil
}

// MayAssume stands for the trust policy of roles that have none: the pool of the
// token must hand the role out to users, or guests, as the token says.
func (e *Engine) MayAssume(_ context.Context, id sts.WebIdentity, roleARN string) error {
	pool, ok := e.pool(id.Audience)
	authenticated, known := rules.AMRState(id.AMR)
	if !ok || !known || id.Provider != cognito.PassThrough || !pool.Names(roleARN, authenticated) {
		return sts.NotAuthorized(nil)
	}
	return nil
}

// Mint makes a token for an identity that the engine itself proved, for an STS
// that wants to see one. It lives as long as such a call may take.
func (e *Engine) Mint(ctx context.Context, id sts.WebIdentity) (string, error) {
	return e.sign(ctx, id.Audience, id.Subject, id.AMR, tokenLife, id.Tags)
}

// refuseToken words what is wrong with a token as STS words it (reference 5.2).
func (e *Engine) refuseToken(token string, err error) error {
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
