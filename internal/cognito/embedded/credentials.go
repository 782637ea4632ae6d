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
	who, err := e.authenticate(ctx, &pool, id, in.Logins)
	if err != nil {
		return nil, err
	}
	role, err := rules.ChooseRole(&pool, e.accountID, who.proven, aws.ToString(in.CustomRoleArn)).Result()
	if err != nil {
		return nil, err
	}
	req := sts.AssumeRequest{
		RoleARN:     role,
		SessionName: sessionName,
		Duration:    sessionLife,
		Identity:    sts.WebIdentity{Provider: cognito.PassThrough, Audience: pool.ID, Subject: who.identity, AMR: who.amr, Tags: who.tags},
	}
	if len(who.proven) == 0 {
		req.Policy, req.PolicyARNs = rules.GuestPolicies(role)
	}
	c, err := e.assume(ctx, req)
	if err != nil {
		return nil, assumeError(err)
	}
	out := &cognitoidentity.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(who.identity),
		Credentials: &types.Credentials{
			AccessKeyId:  aws.String(c.AccessKeyID),
			SecretKey:    aws.String(c.SecretAccessKey),
			SessionToken: aws.String(c.SessionToken),
			Expiration:   aws.Time(c.Expiration),
		},
	}
	cognito.NoteMerged(&out.ResultMetadata, who.merged)
	return out, nil
}

// access is what a call may have: an identity, as the methods say by which it was
// proven.
type access struct {
	identity string
	merged   []string // identities that lost a merge in this call
	amr      []string
	tags     map[string]string // of the session
	proven   []rules.Proven
}

// authenticate decides whether a call may have the identity, or the one that it
// became.
func (e *Engine) authenticate(ctx context.Context, pool *rules.Pool, id rules.Identity, tokens map[string]string) (access, error) {
	if token, ok := tokens[cognito.PassThrough]; ok && len(tokens) == 1 {
		return e.passThrough(ctx, pool, id, token)
	}
	return e.admit(ctx, pool, id, tokens)
}

// admit decides whether a call may have the identity, and links and merges what
// the rules say.
func (e *Engine) admit(ctx context.Context, pool *rules.Pool, id rules.Identity, tokens map[string]string) (access, error) {
	if len(tokens) == 0 {
		if err := rules.GuestAccess(pool, id); err != nil {
			return access{}, err
		}
		return access{identity: id.ID, amr: rules.AMR(pool, nil)}, e.used(ctx, pool, id.ID)
	}
	proven, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return access{}, err
	}
	asked := loginsOf(proven)
	r, err := e.resolve(ctx, pool, func(tx *store.Tx) (rules.Resolution, error) {
		present, facts, err := present(tx, pool, id.ID, asked)
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.Resolve(pool, present, asked, facts)
	})
	return access{
		identity: r.Identity, merged: r.Merge, amr: rules.AMR(pool, proven), tags: rules.PrincipalTags(pool, proven), proven: proven,
	}, err
}

// assumeError names what the service names: any refusal of STS is a fault of
// the pool's roles. What is no refusal is a passing fault.
func assumeError(err error) error {
	if _, ok := errors.AsType[*sts.Error](err); ok {
		return cognito.WithCause(cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration), err)
	}
	return cognito.STSFault(err)
}
