package flows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// backendCalls makes calls with the backend. It is safe for concurrent use.
type backendCalls struct {
	*Config
	fences fences
	slots  *slots
}

// perform makes the call with the backend, once. fenced are the scopes around which
// the caller holds a fence. It outlives the client.
func (b *backendCalls) perform(ctx context.Context, r request, fenced []cache.Scope) (answer, error) {
	got, err := b.performOnce(ctx, r, fenced)
	if err != nil {
		return got, err
	}
	return got, b.fences.confirm(ctx, r.Pool, r.poolScope())
}

func (b *backendCalls) performOnce(ctx context.Context, r request, fenced []cache.Scope) (answer, error) {
	switch r.Flow {
	case flowEnhanced:
		return b.credentials(ctx, r.enhancedInput())
	case flowClassic:
		return b.classicCall(ctx, r)
	case flowDeveloper:
		return b.developerCall(ctx, r, fenced)
	case flowID:
		return b.identity(ctx, r)
	}
	return answer{}, fmt.Errorf("no flow %q", r.Flow)
}

// credentials asks the backend for an identity's credentials.
func (b *backendCalls) credentials(ctx context.Context, in *ci.GetCredentialsForIdentityInput) (answer, error) {
	out, err := b.Next.GetCredentialsForIdentity(ctx, in)
	if err != nil {
		return answer{}, err
	}
	c := out.Credentials
	if c == nil || c.Expiration == nil {
		return answer{}, errExpired
	}
	return answer{merged: scopesOf(cognito.Merged(out.ResultMetadata)), credentials: cache.Credentials{
		IdentityID:   aws.ToString(out.IdentityId),
		AccessKeyID:  aws.ToString(c.AccessKeyId),
		SecretKey:    aws.ToString(c.SecretKey),
		SessionToken: aws.ToString(c.SessionToken),
		Expires:      *c.Expiration,
	}}, nil
}

func (b *backendCalls) countExchange(flow string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "refused"
		if cognito.Passing(err) {
			outcome = "failed"
		}
	}
	b.Observer.Exchange(flow, outcome)
}

// classicCall makes the two calls of the classic flow (docs/cognito.md#flows).
func (b *backendCalls) classicCall(ctx context.Context, r request) (answer, error) {
	token, err := b.Next.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: aws.String(r.Identity), Logins: r.Logins})
	if err != nil {
		return answer{}, err
	}
	merged := scopesOf(cognito.Merged(token.ResultMetadata))
	got, err := b.STS.AssumeRoleWithWebIdentity(ctx, sts.Request{
		RoleARN: r.Role, SessionName: cmp.Or(r.Session, DefaultSessionName), Duration: r.Duration,
		Token: aws.ToString(token.Token),
	})
	if err != nil {
		return answer{merged: merged}, afterFirstStep(stsError(err))
	}
	return answer{merged: merged, credentials: cache.Credentials{
		IdentityID:   aws.ToString(token.IdentityId),
		AccessKeyID:  got.Credentials.AccessKeyID,
		SecretKey:    got.Credentials.SecretAccessKey,
		SessionToken: got.Credentials.SessionToken,
		Expires:      got.Credentials.Expiration,
	}}, nil
}

// developerCall makes the two calls of the developer flow. Unless a fence is
// around the identity anyway, its epoch is read between them: whatever happens to
// the identity later outdates what the second call brings, and what happened
// before, the second call has seen.
func (b *backendCalls) developerCall(ctx context.Context, r request, fenced []cache.Scope) (answer, error) {
	out, err := b.Next.GetOpenIdTokenForDeveloperIdentity(ctx, r.developerInput())
	if err != nil {
		return answer{}, err
	}
	scope := cache.IdentityScope(aws.ToString(out.IdentityId))
	var also *cache.Stamp
	if !slices.Contains(fenced, scope) {
		if len(r.Logins) > 0 {
			// The public logins may have been linked to it.
			if err := b.fences.Fence(ctx, scope); err != nil {
				return answer{}, err
			}
		}
		stamp := b.presentStamp(ctx, scope)
		also = &stamp
	}
	got, err := b.credentials(ctx, &ci.GetCredentialsForIdentityInput{
		IdentityId: out.IdentityId, Logins: map[string]string{cognito.PassThrough: aws.ToString(out.Token)},
	})
	err = afterFirstStep(err)
	got.also = also
	got.merged = append(got.merged, scopesOf(cognito.Merged(out.ResultMetadata))...)
	return got, err
}

// identity asks the backend. The identity's epoch is read after its answer, so the
// answer is kept only if nothing changed the identity since before.
func (b *backendCalls) identity(ctx context.Context, r request) (answer, error) {
	quiet := b.beginQuietPeriod()
	defer quiet.end()
	out, err := b.Next.GetId(ctx, &ci.GetIdInput{IdentityPoolId: aws.String(r.Pool), Logins: r.Logins})
	if err != nil {
		return answer{}, err
	}
	id := aws.ToString(out.IdentityId)
	also := quiet.stamp(ctx, cache.IdentityScope(id))
	return answer{
		credentials: cache.Credentials{IdentityID: id, Expires: b.Now().Add(idLife)},
		also:        &also,
		merged:      scopesOf(cognito.Merged(out.ResultMetadata)),
	}, nil
}

// stsError makes an error of the service of a refusal by STS: same code, same
// text. What is no refusal is a passing fault.
func stsError(err error) error {
	refused, ok := errors.AsType[*sts.Error](err)
	if !ok {
		return cognito.STSFault(err)
	}
	return &stsRefusal{
		GenericAPIError: smithy.GenericAPIError{Code: refused.Code, Message: refused.Message, Fault: smithy.FaultClient},
		cause:           err,
	}
}

type stsRefusal struct {
	smithy.GenericAPIError
	cause error
}

func (r *stsRefusal) Unwrap() error { return r.cause }
