package embedded

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/sts"
)

// Of the enhanced flow (reference 4.1 and 4.2): what the service names its
// sessions, and how long they last.
const (
	sessionName = "CognitoIdentityCredentials"
	sessionLife = time.Hour
)

// GetCredentialsForIdentity gives an hour's credentials to whoever proves a
// login of the identity, presents its token, or holds the id of a guest
// (reference 3.3, 4.1 and 4.2).
func (e *Engine) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	if err := e.begin("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	id, pool, err := e.lookUp(ctx, *in.IdentityId, nil)
	if err != nil {
		return nil, err
	}
	amr, err := e.authenticate(ctx, &pool, id, in.Logins)
	if err != nil {
		return nil, err
	}
	role, err := rules.Role(&pool, len(in.Logins) > 0, aws.ToString(in.CustomRoleArn))
	if err != nil {
		return nil, err
	}
	c, err := e.sts.Assume(ctx, sts.AssumeRequest{
		RoleARN:     role,
		SessionName: sessionName,
		Duration:    sessionLife,
		Identity:    sts.WebIdentity{Provider: cognito.PassThrough, Audience: pool.ID, Subject: id.ID, AMR: amr},
	})
	if err != nil {
		return nil, assumeError(err)
	}
	return &cognitoidentity.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(id.ID),
		Credentials: &types.Credentials{
			AccessKeyId:  aws.String(c.AccessKeyID),
			SecretKey:    aws.String(c.SecretAccessKey),
			SessionToken: aws.String(c.SessionToken),
			Expiration:   aws.Time(c.Expiration),
		},
	}, nil
}

// authenticate decides whether a call may have the identity and returns the
// authentication methods for the session.
func (e *Engine) authenticate(ctx context.Context, pool *rules.Pool, id rules.Identity, tokens map[string]string) ([]string, error) {
	if token, ok := tokens[cognito.PassThrough]; ok && len(tokens) == 1 {
		return e.passThrough(ctx, pool, id, token)
	}
	proven, err := e.admit(ctx, pool, id, tokens)
	if err != nil {
		return nil, err
	}
	return rules.AMR(pool, proven), nil
}

// admit decides whether a call may have the identity, links what the rules say,
// and returns the call's logins.
func (e *Engine) admit(ctx context.Context, pool *rules.Pool, id rules.Identity, tokens map[string]string) ([]rules.Proven, error) {
	if len(tokens) == 0 {
		return nil, rules.GuestAccess(pool, id)
	}
	proven, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return nil, err
	}
	asked := loginsOf(proven)
	_, err = e.resolve(ctx, pool, func(tx *store.Tx) (rules.Resolution, error) {
		present, facts, err := present(tx, pool, id.ID, asked)
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.Resolve(present, asked, facts)
	})
	return proven, err
}

// resolve decides on a read of the store, and again inside a write where the
// decision is to change something: another call may have been faster.
func (e *Engine) resolve(ctx context.Context, pool *rules.Pool, decide func(tx *store.Tx) (rules.Resolution, error)) (string, error) {
	var r rules.Resolution
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = decide(tx)
		return err
	})
	if err != nil || (r.Identity != "" && len(r.Link) == 0) {
		return r.Identity, err
	}
	fresh := e.newIdentity(pool, rules.Authenticated)
	err = e.store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = decide(tx); err != nil {
			return err
		}
		if r.Identity == "" {
			r.Identity = fresh.ID
			if err := tx.AddIdentity(fresh); err != nil {
				return err
			}
		}
		return e.link(tx, pool, r)
	})
	if err != nil {
		return "", e.orGone(pool, err)
	}
	return r.Identity, nil
}

// orGone explains a write that failed because its pool was deleted meanwhile.
func (e *Engine) orGone(pool *rules.Pool, err error) error {
	if _, ok := e.pool(pool.ID); !ok {
		return cognito.WithCause(cognito.PoolNotFound(pool.ID), err)
	}
	return err
}

// assumeError names what the service names: any refusal of STS is a fault of
// the pool's roles. What is no refusal stays what it is.
func assumeError(err error) error {
	if _, ok := errors.AsType[*sts.Error](err); ok {
		return cognito.WithCause(cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration), err)
	}
	return err
}
