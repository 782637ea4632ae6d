package embedded

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// MergeDeveloperIdentities merges the identity of one of a backend's users into
// that of another, which survives (reference 3.8).
func (e *Engine) MergeDeveloperIdentities(ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
	if err := e.begin("MergeDeveloperIdentities", in); err != nil {
		return nil, err
	}
	pool, err := e.developerPool(*in.IdentityPoolId, *in.DeveloperProviderName)
	if err != nil {
		return nil, err
	}
	source := rules.Login{Provider: pool.DeveloperProvider, Subject: *in.SourceUserIdentifier}
	destination := rules.Login{Provider: pool.DeveloperProvider, Subject: *in.DestinationUserIdentifier}
	r, err := e.resolve(ctx, &pool, func(tx *store.Tx) (rules.Resolution, error) {
		facts, err := gather(tx, &pool, []rules.Login{source, destination})
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.MergeDevelopers(&pool, source, destination, facts)
	})
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.MergeDeveloperIdentitiesOutput{IdentityId: aws.String(r.Identity)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

// UnlinkDeveloperIdentity takes a backend's user from an identity. With its last
// login an identity is disabled for good (reference 3.6).
func (e *Engine) UnlinkDeveloperIdentity(ctx context.Context, in *cognitoidentity.UnlinkDeveloperIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
	if err := e.begin("UnlinkDeveloperIdentity", in); err != nil {
		return nil, err
	}
	pool, err := e.developerPool(*in.IdentityPoolId, *in.DeveloperProviderName)
	if err != nil {
		return nil, err
	}
	user := rules.Login{Provider: pool.DeveloperProvider, Subject: *in.DeveloperUserIdentifier}
	err = e.update(ctx, func(tx *store.Tx) error {
		id, facts, err := present(tx, &pool, *in.IdentityId, []rules.Login{user})
		if err != nil {
			return err
		}
		if id.Pool != pool.ID {
			return cognito.IdentityNotFound(id.ID)
		}
		left, err := rules.UnlinkDeveloper(id, user, facts)
		if err != nil {
			return err
		}
		return e.takeAway(tx, &pool, id, []rules.Login{user}, left)
	})
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.UnlinkDeveloperIdentityOutput{}, nil
}

// developerPool is a pool with that developer provider.
func (e *Engine) developerPool(id, provider string) (rules.Pool, error) {
	pool, ok := e.pool(id)
	if !ok {
		return pool, cognito.PoolNotFound(id)
	}
	return pool, rules.CheckDeveloper(&pool, provider)
}

// takeAway unlinks logins of an identity; without any left it is disabled.
func (e *Engine) takeAway(tx *store.Tx, pool *rules.Pool, id rules.Identity, gone []rules.Login, left bool) error {
	for _, l := range gone {
		if err := tx.Unlink(pool.ID, l); err != nil {
			return err
		}
	}
	state := id.State
	if !left {
		state = rules.Disabled
	}
	return tx.SetState(id.ID, state, e.now())
}
