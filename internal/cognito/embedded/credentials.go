package embedded

import (
	"context"
	"errors"
	"strings"
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
// sessions, how long they last, and the provider that its tokens are from.
const (
	sessionName      = "CognitoIdentityCredentials"
	sessionLife      = time.Hour
	identityProvider = "cognito-identity.amazonaws.com"
)

// GetCredentialsForIdentity gives an hour's credentials to whoever proves a
// login of the identity, or holds the id of a guest (reference 3.3 and 4.2).
func (e *Engine) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	if err := cognito.Check("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	id, pool, err := e.lookUp(ctx, aws.ToString(in.IdentityId))
	if err != nil {
		return nil, err
	}
	amr, err := e.admit(ctx, &pool, id, in.Logins)
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
		Identity:    sts.WebIdentity{Provider: identityProvider, Audience: pool.ID, Subject: id.ID, AMR: amr},
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

// lookUp finds an identity with its pool. A pool that is gone took its
// identities along.
func (e *Engine) lookUp(ctx context.Context, id string) (identity rules.Identity, pool rules.Pool, err error) {
	found := false
	err = e.store.View(ctx, func(tx *store.Tx) (err error) {
		identity, found, err = tx.Identity(id)
		return err
	})
	if err != nil {
		return identity, pool, err
	}
	pool, ok := e.pool(identity.Pool)
	if !found || !ok {
		return identity, pool, cognito.IdentityNotFound(id)
	}
	return identity, pool, nil
}

// admit decides whether a call may have the identity, links what the rules say,
// and returns the authentication methods for the session (reference 5.1).
func (e *Engine) admit(ctx context.Context, pool *rules.Pool, id rules.Identity, tokens map[string]string) ([]string, error) {
	if len(tokens) == 0 {
		return []string{"unauthenticated"}, rules.GuestAccess(pool, id)
	}
	asked, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return nil, err
	}
	var r rules.Resolution
	resolve := func(tx *store.Tx) error {
		present, found, err := tx.Identity(id.ID)
		if err != nil {
			return err
		}
		if !found {
			return cognito.IdentityNotFound(id.ID)
		}
		facts, err := gather(tx, pool, id.ID, asked)
		if err != nil {
			return err
		}
		r, err = rules.Resolve(present, asked, facts)
		return err
	}
	if err := e.store.View(ctx, resolve); err != nil {
		return nil, err
	}
	if len(r.Link) > 0 {
		err := e.store.Update(ctx, func(tx *store.Tx) error {
			if err := resolve(tx); err != nil {
				return err
			}
			return e.link(tx, pool, r)
		})
		if err != nil {
			return nil, err
		}
	}
	amr := []string{"authenticated"}
	for _, l := range asked {
		amr = append(amr, l.Provider, oidcARN(pool, l.Provider)+":OIDC:"+l.Subject)
	}
	return amr, nil
}

func oidcARN(pool *rules.Pool, provider string) string {
	for _, arn := range pool.OIDCProviderARNs {
		if strings.HasSuffix(arn, ":oidc-provider/"+provider) {
			return arn
		}
	}
	return provider
}

// assumeError names what the service names: any refusal of STS is a fault of
// the pool's roles. What is no refusal stays what it is.
func assumeError(err error) error {
	if _, ok := errors.AsType[*sts.Error](err); ok {
		return cognito.WithCause(cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration), err)
	}
	return err
}

// region is the prefix of an id.
func region(id string) string {
	prefix, _, _ := strings.Cut(id, ":")
	return prefix
}
