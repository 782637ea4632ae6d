package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/userpool"
)

// ReadToken verifies a token of this engine without asking whether what it says
// still holds: signature, issuer and time. It fails with NotAuthorizedException.
func (e *ownTokens) ReadToken(token string) (*cognito.Token, error) {
	claims, err := e.issuer.Verify(token)
	if err != nil {
		return nil, e.tokenError(err)
	}
	return &cognito.Token{
		Pool: claims.Audience, Identity: claims.Subject, AMR: claims.AMR, Tags: claims.Tags, Issued: claims.IssuedAt,
		Expires: claims.Expires,
	}, nil
}

// passThrough prepares a call that presents a token of Cognito's own: it is
// genuine, of a user, and must still speak for this identity.
func (e *ownTokens) passThrough(
	ctx context.Context, pool *rules.Pool, id rules.Identity, token string,
) (*prepared, access, error) {
	t, err := e.ReadToken(token)
	if err != nil {
		return nil, access{}, err
	}
	if user, ok := rules.AMRState(t.AMR); !ok || !user {
		return nil, access{}, cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
	}
	if _, err := e.checks.checkTokenUsers(ctx, pool, t.AMR, userpool.Issue); err != nil {
		return nil, access{}, err
	}
	p := &prepared{pool: *pool, decide: func(tx *store.Tx) (ruling, error) {
		return ruling{Resolution: rules.Resolution{Identity: id.ID}}, e.speaks(tx, pool, id.ID, t)
	}}
	return p, access{amr: t.AMR, tags: t.Tags, proven: rules.AMRProven(pool, t.AMR)}, nil
}

// stillSpeaks decides whether a genuine token speaks for the identity now.
func (e *ownTokens) stillSpeaks(ctx context.Context, pool *rules.Pool, id string, t *cognito.Token) error {
	err := e.store.View(ctx, func(tx *store.Tx) error { return e.speaks(tx, pool, id, t) })
	if err != nil {
		return err
	}
	_, err = e.checks.checkTokenUsers(ctx, pool, t.AMR, userpool.Issue)
	return err
}

func (e *ownTokens) speaks(tx *store.Tx, pool *rules.Pool, id string, t *cognito.Token) error {
	named, _ := rules.AMRLogins(pool, t.AMR)
	identity, facts, err := present(tx, pool, id, named)
	if err != nil {
		return err
	}
	if err := rules.TokenAccess(pool, identity, t.Pool, t.Identity, t.AMR, facts); err != nil {
		return err
	}
	return e.checks.checkTokenSignOut(tx, pool, t)
}

// tokenError words what is wrong with a token as the service words it for any
// login token (docs/cognito.md#login-tokens).
func (e *ownTokens) tokenError(err error) error {
	invalid, ok := errors.AsType[*issuer.Invalid](err)
	if !ok {
		return err
	}
	message := cognito.MsgTokenMalformed
	switch invalid.Reason {
	case issuer.Unverified:
		message = cognito.MsgTokenUnverified
	case issuer.Foreign:
		message = cognito.MsgTokenIssuer
	case issuer.Expired:
		message = fmt.Sprintf(cognito.MsgTokenExpired, e.now().Unix(), expiry(invalid))
	}
	return cognito.WithCause(cognito.NotAuthorized(message), err)
}

func expiry(i *issuer.Invalid) int64 { return i.Expired.Truncate(time.Second).Unix() }
