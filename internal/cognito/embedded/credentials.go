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

// Of the enhanced flow (docs/cognito.md#flows and #role-resolution): what the
// service names its sessions, and how long they last.
const (
	sessionName = "CognitoIdentityCredentials"
	sessionLife = time.Hour
)

// GetCredentialsForIdentity gives an hour's credentials to whoever proves a
// login of the identity, presents its token, or holds the id of a guest
// (docs/cognito.md#entering-an-identity, #flows and #role-resolution). What it
// links, it links last: a call that is refused, also by STS, has changed nothing.
func (e *Engine) GetCredentialsForIdentity(
	ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	if err := e.begin("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	p, who, err := e.prepareCredentials(ctx, in)
	if err != nil {
		return nil, err
	}
	for range maxOvertaken {
		r, c, err := e.credentials(ctx, p, who, aws.ToString(in.CustomRoleArn))
		if errors.Is(err, errOvertaken) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return credentialsOutput(r, c), nil
	}
	return nil, cognito.WithCause(cognito.Internal(), errOvertaken)
}

// errOvertaken says that another call gave the logins to another identity while
// credentials were brought; maxOvertaken is how often they are brought anew.
var errOvertaken = errors.New("the logins came to another identity meanwhile")

const maxOvertaken = 3

// credentials decides, brings credentials, and then links and merges what was
// decided.
func (e *Engine) credentials(
	ctx context.Context, p *prepared, who access, custom string,
) (ruling, sts.Credentials, error) {
	r, req, err := e.session(ctx, p, who, custom)
	if err != nil {
		return ruling{}, sts.Credentials{}, err
	}
	c, err := e.sts.Assume(ctx, req)
	if err != nil {
		return ruling{}, sts.Credentials{}, assumeError(err)
	}
	if err := e.stillTaken(ctx, &p.pool, who.proven); err != nil {
		return ruling{}, sts.Credentials{}, err
	}
	same := *p
	same.decide = func(tx *store.Tx) (ruling, error) {
		again, err := p.on(tx)
		if err == nil && again.Identity != r.Identity {
			err = errOvertaken
		}
		return again, err
	}
	r, err = e.finish(ctx, &same, r)
	return r, c, err
}

// session decides a call for credentials: what it changes, and the session that it
// asks for. The role is the pool's choice, as the role's trust policy allows.
func (e *Engine) session(
	ctx context.Context, p *prepared, who access, custom string,
) (ruling, sts.AssumeRequest, error) {
	r, err := e.look(ctx, p)
	if err != nil {
		return ruling{}, sts.AssumeRequest{}, err
	}
	role, err := rules.ChooseRole(&p.pool, e.accountID, who.proven, custom).Result()
	if err != nil {
		return ruling{}, sts.AssumeRequest{}, err
	}
	req := sts.AssumeRequest{
		RoleARN:     role,
		SessionName: sessionName,
		Duration:    sessionLife,
		Identity: sts.WebIdentity{Provider: cognito.PassThrough, Audience: p.pool.ID, Subject: r.Identity, AMR: who.amr,
			Tags: who.tags},
	}
	if len(who.proven) == 0 {
		req.Policy, req.PolicyARNs = rules.GuestPolicies(role)
	}
	if err := e.trusted(req); err != nil {
		return ruling{}, sts.AssumeRequest{}, assumeError(err)
	}
	return r, req, nil
}

func credentialsOutput(r ruling, c sts.Credentials) *cognitoidentity.GetCredentialsForIdentityOutput {
	out := &cognitoidentity.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(r.Identity),
		Credentials: &types.Credentials{
			AccessKeyId:  aws.String(c.AccessKeyID),
			SecretKey:    aws.String(c.SecretAccessKey),
			SessionToken: aws.String(c.SessionToken),
			Expiration:   aws.Time(c.Expiration),
		},
	}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out
}

// access is how a caller proved himself, as sessions and tokens tell it.
type access struct {
	amr    []string
	tags   map[string]string // of the session
	proven []rules.Proven
}

// prepareCredentials takes logins, the id of a guest, or a token of ours.
func (e *Engine) prepareCredentials(
	ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput,
) (*prepared, access, error) {
	id, pool, err := e.lookUp(ctx, *in.IdentityId, nil)
	if err != nil {
		return nil, access{}, err
	}
	if token, ok := in.Logins[cognito.PassThrough]; ok && len(in.Logins) == 1 {
		return e.passThrough(ctx, &pool, id, token)
	}
	return e.admit(ctx, &pool, id, in.Logins)
}

// admit prepares a call that comes with logins, or with the id of a guest alone.
func (e *Engine) admit(
	ctx context.Context, pool *rules.Pool, id rules.Identity, tokens map[string]string,
) (*prepared, access, error) {
	if len(tokens) == 0 {
		if err := rules.GuestAccess(pool, id); err != nil {
			return nil, access{}, err
		}
		fixed := ruling{Resolution: rules.Resolution{Identity: id.ID}}
		return &prepared{pool: *pool, fixed: fixed, guest: true}, access{amr: rules.AMR(pool, nil)}, nil
	}
	proven, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return nil, access{}, err
	}
	asked := loginsOf(proven)
	p := &prepared{pool: *pool, decide: func(tx *store.Tx) (ruling, error) {
		id, facts, err := present(tx, pool, id.ID, asked)
		if err != nil {
			return ruling{}, err
		}
		r, err := rules.Resolve(pool, id, asked, facts)
		return ruling{Resolution: r, facts: facts}, err
	}}
	return p, access{amr: rules.AMR(pool, proven), tags: rules.PrincipalTags(pool, proven), proven: proven}, nil
}

// assumeError names what the service names: any refusal of STS is a fault of
// the pool's roles. What is no refusal is a passing fault.
func assumeError(err error) error {
	if _, ok := errors.AsType[*sts.Error](err); ok {
		return cognito.WithCause(cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration), err)
	}
	return cognito.STSFault(err)
}
