package embedded

import (
	"context"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// tokenLife is how long a token of GetOpenIdToken lives (docs/cognito.md#developer-users).
const tokenLife = 10 * time.Minute

// GetOpenIdToken gives a token for STS to whoever proves a login of the identity
// or holds the id of a guest, where the pool allows the classic flow
// (docs/cognito.md#flows).
func (e *Engine) GetOpenIdToken(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetOpenIdTokenOutput, error) {
	if err := e.begin("GetOpenIdToken", in); err != nil {
		return nil, err
	}
	p, who, err := e.prepareToken(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := e.run(ctx, p)
	if err != nil {
		return nil, err
	}
	token, err := e.issue(ctx, &p.pool, r.Identity, who, tokenLife)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.GetOpenIdTokenOutput{IdentityId: aws.String(r.Identity), Token: aws.String(token)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

func (e *Engine) prepareToken(ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput) (*prepared, access, error) {
	id, pool, err := e.lookUp(ctx, *in.IdentityId, nil)
	if err != nil {
		return nil, access{}, err
	}
	if err := rules.ClassicAllowed(&pool, maps.Keys(in.Logins)); err != nil {
		return nil, access{}, err
	}
	return e.admit(ctx, &pool, id, in.Logins)
}

// issue makes a token for whoever proved himself, unless his user was signed out since.
func (e *ownTokens) issue(
	ctx context.Context, pool *rules.Pool, id string, who access, life time.Duration,
) (string, error) {
	e.checks.telling.RLock()
	at := e.now()
	err := e.checks.stillTaken(ctx, pool, who.proven)
	e.checks.telling.RUnlock()
	if err != nil {
		return "", err
	}
	return e.sign(ctx, at, pool.ID, id, who.amr, life, who.tags)
}

// sign makes a token for an identity, as of a time. Guests' tokens do not name the pool's ARN
// (docs/cognito.md#the-openid-token).
func (e *ownTokens) sign(
	ctx context.Context, at time.Time, pool, id string, amr []string, life time.Duration, tags map[string]string,
) (string, error) {
	now := at.Truncate(time.Second)
	claims := issuer.Claims{
		Subject: id, Audience: pool, AMR: amr, Tags: tags, IssuedAt: now, Expires: now.Add(life),
	}
	if user, _ := rules.AMRState(amr); user {
		claims.PoolARN = e.poolARN(pool)
	}
	return e.issuer.Sign(ctx, claims)
}
