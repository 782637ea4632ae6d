package embedded

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// developerTokenLife is a developer token's life where the call names none
// (reference 3.5).
const developerTokenLife = 15 * time.Minute

// GetOpenIdTokenForDeveloperIdentity gives a backend a token for its own user,
// whom it is trusted to have authenticated (reference 3.5). Public logins beside
// him are proven and linked.
func (e *Engine) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	if err := e.begin("GetOpenIdTokenForDeveloperIdentity", in); err != nil {
		return nil, err
	}
	pool, ok := e.pool(*in.IdentityPoolId)
	if !ok {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	user, public, err := rules.DeveloperUser(&pool, in.Logins)
	if err != nil {
		return nil, err
	}
	if err := rules.CheckPrincipalTags(in.PrincipalTags); err != nil {
		return nil, err
	}
	if in.IdentityId != nil { // before any look at tokens, as in the calls of apps
		if err := e.store.View(ctx, func(tx *store.Tx) error { return ofPool(tx, &pool, *in.IdentityId) }); err != nil {
			return nil, err
		}
	}
	proven, err := e.prove(ctx, &pool, public)
	if err != nil {
		return nil, err
	}
	r, err := e.resolve(ctx, &pool, func(tx *store.Tx) (rules.Resolution, error) {
		return resolveDeveloper(tx, &pool, aws.ToString(in.IdentityId), user, loginsOf(proven))
	})
	if err != nil {
		return nil, err
	}
	life := developerTokenLife
	if in.TokenDuration != nil {
		life = time.Duration(*in.TokenDuration) * time.Second
	}
	amr := rules.AMR(&pool, append([]rules.Proven{{Login: user}}, proven...))
	token, err := e.sign(ctx, pool.ID, r.Identity, amr, life, in.PrincipalTags)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput{IdentityId: aws.String(r.Identity), Token: aws.String(token)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

// resolveDeveloper reads what the rule needs; an identity that the call names must
// be of the pool.
func resolveDeveloper(tx *store.Tx, pool *rules.Pool, named string, user rules.Login, public []rules.Login) (rules.Resolution, error) {
	all := append([]rules.Login{user}, public...)
	if named == "" {
		facts, err := gather(tx, pool, all)
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.ResolveDeveloper(pool, user, public, nil, facts)
	}
	asked, facts, err := present(tx, pool, named, all)
	if err != nil {
		return rules.Resolution{}, err
	}
	if asked.Pool != pool.ID {
		return rules.Resolution{}, cognito.IdentityNotFound(named)
	}
	return rules.ResolveDeveloper(pool, user, public, &asked, facts)
}
