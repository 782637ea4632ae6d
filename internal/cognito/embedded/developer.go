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
// (docs/cognito.md#developer-users).
const developerTokenLife = 15 * time.Minute

// GetOpenIdTokenForDeveloperIdentity gives a backend a token for its own user, whom it is
// trusted to have authenticated (docs/cognito.md#developer-users). Public logins beside him
// are proven and linked.
func (e *Engine) GetOpenIdTokenForDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	if err := e.begin("GetOpenIdTokenForDeveloperIdentity", in); err != nil {
		return nil, err
	}
	p, who, err := e.prepareDeveloperToken(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := e.run(ctx, p)
	if err != nil {
		return nil, err
	}
	life := developerTokenLife
	if in.TokenDuration != nil {
		life = time.Duration(*in.TokenDuration) * time.Second
	}
	token, err := e.issue(ctx, &p.pool, r.Identity, who, life)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput{IdentityId: aws.String(r.Identity),
		Token: aws.String(token)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

// prepareDeveloperToken also tells how the user is proven.
func (e *Engine) prepareDeveloperToken(
	ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput,
) (p *prepared, who access, err error) {
	pool, ok := e.pool(*in.IdentityPoolId)
	if !ok {
		return nil, access{}, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	user, public, err := rules.DeveloperUser(&pool, in.Logins)
	if err != nil {
		return nil, access{}, err
	}
	if err := rules.CheckPrincipalTags(in.PrincipalTags); err != nil {
		return nil, access{}, err
	}
	if in.IdentityId != nil { // before any look at tokens, as in the calls of apps
		if err := e.store.View(ctx, func(tx *store.Tx) error { return ofPool(tx, &pool, *in.IdentityId) }); err != nil {
			return nil, access{}, err
		}
	}
	proven, err := e.prove(ctx, &pool, public)
	if err != nil {
		return nil, access{}, err
	}
	named, logins := aws.ToString(in.IdentityId), loginsOf(proven)
	p = &prepared{pool: pool, newcomer: rules.Authenticated, decide: func(tx *store.Tx) (ruling, error) {
		return resolveDeveloper(tx, &pool, named, user, logins)
	}}
	amr := rules.AMR(&pool, append([]rules.Proven{{Login: user}}, proven...))
	return p, access{amr: amr, tags: in.PrincipalTags, proven: proven}, nil
}

// resolveDeveloper reads what the rule needs; an identity that the call names must
// be of the pool.
func resolveDeveloper(
	tx *store.Tx, pool *rules.Pool, named string, user rules.Login, public []rules.Login,
) (ruling, error) {
	all := append([]rules.Login{user}, public...)
	if named == "" {
		facts, err := gather(tx, pool, all)
		if err != nil {
			return ruling{}, err
		}
		r, err := rules.ResolveDeveloper(pool, user, public, nil, facts)
		return ruling{Resolution: r, facts: facts}, err
	}
	asked, facts, err := present(tx, pool, named, all)
	if err != nil {
		return ruling{}, err
	}
	if asked.Pool != pool.ID {
		return ruling{}, cognito.IdentityNotFound(named)
	}
	r, err := rules.ResolveDeveloper(pool, user, public, &asked, facts)
	return ruling{Resolution: r, facts: facts}, err
}
