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
// that of another, which survives (docs/cognito.md#merging).
func (e *Engine) MergeDeveloperIdentities(
	ctx context.Context, in *cognitoidentity.MergeDeveloperIdentitiesInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
	if err := e.begin("MergeDeveloperIdentities", in); err != nil {
		return nil, err
	}
	p, err := e.prepareMerge(in)
	if err != nil {
		return nil, err
	}
	r, err := e.run(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.MergeDeveloperIdentitiesOutput{IdentityId: aws.String(r.Identity)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

func (e *Engine) prepareMerge(in *cognitoidentity.MergeDeveloperIdentitiesInput) (*prepared, error) {
	pool, err := e.developerPool(*in.IdentityPoolId, *in.DeveloperProviderName)
	if err != nil {
		return nil, err
	}
	source := rules.Login{Provider: pool.DeveloperProvider, Subject: *in.SourceUserIdentifier}
	destination := rules.Login{Provider: pool.DeveloperProvider, Subject: *in.DestinationUserIdentifier}
	return &prepared{pool: pool, decide: func(tx *store.Tx) (ruling, error) {
		facts, err := gather(tx, &pool, []rules.Login{source, destination})
		if err != nil {
			return ruling{}, err
		}
		r, err := rules.MergeDevelopers(&pool, source, destination, facts)
		return ruling{Resolution: r, facts: facts}, err
	}}, nil
}

// UnlinkDeveloperIdentity takes a backend's user from an identity. With its last
// login an identity is disabled for good (docs/cognito.md#unlinking).
func (e *Engine) UnlinkDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.UnlinkDeveloperIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
	if err := e.begin("UnlinkDeveloperIdentity", in); err != nil {
		return nil, err
	}
	p, err := e.prepareUnlinkDeveloper(in)
	if err != nil {
		return nil, err
	}
	if _, err := e.run(ctx, p); err != nil {
		return nil, err
	}
	return &cognitoidentity.UnlinkDeveloperIdentityOutput{}, nil
}

func (e *Engine) prepareUnlinkDeveloper(in *cognitoidentity.UnlinkDeveloperIdentityInput) (*prepared, error) {
	pool, err := e.developerPool(*in.IdentityPoolId, *in.DeveloperProviderName)
	if err != nil {
		return nil, err
	}
	named := *in.IdentityId
	user := rules.Login{Provider: pool.DeveloperProvider, Subject: *in.DeveloperUserIdentifier}
	return &prepared{pool: pool, decide: func(tx *store.Tx) (ruling, error) {
		id, facts, err := present(tx, &pool, named, []rules.Login{user})
		if err != nil {
			return ruling{}, err
		}
		if id.Pool != pool.ID {
			return ruling{}, cognito.IdentityNotFound(id.ID)
		}
		left, err := rules.UnlinkDeveloper(id, user, facts)
		return unlinking(id, []rules.Login{user}, left, facts), err
	}}, nil
}

// unlinking is the ruling that takes logins from an identity, and disables it where
// none is left.
func unlinking(id rules.Identity, gone []rules.Login, left bool, facts rules.Facts) ruling {
	return ruling{
		Resolution: rules.Resolution{Identity: id.ID}, Unlink: gone, Disable: len(gone) > 0 && !left, facts: facts,
	}
}

// developerPool is a pool with that developer provider.
func (e *Engine) developerPool(id, provider string) (rules.Pool, error) {
	pool, ok := e.pool(id)
	if !ok {
		return pool, cognito.PoolNotFound(id)
	}
	return pool, rules.CheckDeveloper(&pool, provider)
}
