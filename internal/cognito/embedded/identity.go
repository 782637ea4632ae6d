package embedded

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// DescribeIdentity shows an identity with the names of its providers; its users'
// ids stay with the engine (docs/cognito.md#administering-identities).
func (e *Engine) DescribeIdentity(
	ctx context.Context, in *cognitoidentity.DescribeIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.DescribeIdentityOutput, error) {
	if err := e.begin("DescribeIdentity", in); err != nil {
		return nil, err
	}
	var linked []rules.Login
	id, _, err := e.lookUp(ctx, *in.IdentityId, func(tx *store.Tx) (err error) {
		linked, err = tx.Logins(*in.IdentityId)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := describe(id, linked)
	return &cognitoidentity.DescribeIdentityOutput{
		IdentityId: d.IdentityId, Logins: d.Logins, CreationDate: d.CreationDate, LastModifiedDate: d.LastModifiedDate,
	}, nil
}

// UnlinkIdentity takes logins from an identity that one of the call's logins
// proves. With its last login an identity is disabled for good (docs/cognito.md#unlinking).
func (e *Engine) UnlinkIdentity(
	ctx context.Context, in *cognitoidentity.UnlinkIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.UnlinkIdentityOutput, error) {
	if err := e.begin("UnlinkIdentity", in); err != nil {
		return nil, err
	}
	p, err := e.prepareUnlink(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := e.run(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.UnlinkIdentityOutput{}
	if !r.changes() {
		cognito.NoteUnchanged(&out.ResultMetadata)
	}
	return out, nil
}

func (e *Engine) prepareUnlink(ctx context.Context, in *cognitoidentity.UnlinkIdentityInput) (*prepared, error) {
	id, pool, err := e.lookUp(ctx, *in.IdentityId, nil)
	if err != nil {
		return nil, err
	}
	if len(in.Logins) == 0 {
		return nil, cognito.AccessForbidden(id.ID)
	}
	proven, err := e.prove(ctx, &pool, in.Logins)
	if err != nil {
		return nil, err
	}
	asked, remove := loginsOf(proven), make([]string, len(in.LoginsToRemove))
	for n, named := range in.LoginsToRemove {
		remove[n] = pool.Key(named)
	}
	return &prepared{pool: pool, decide: func(tx *store.Tx) (ruling, error) {
		id, facts, err := present(tx, &pool, id.ID, asked)
		if err != nil {
			return ruling{}, err
		}
		gone, left, err := rules.Unlink(&pool, id, asked, remove, facts)
		return unlinking(id, gone, left, facts), err
	}}, nil
}

// lookUp finds an identity with its pool. A pool that is gone took its
// identities along. also, which may be nil, reads more of the same moment.
func (e *Engine) lookUp(
	ctx context.Context, id string, also func(tx *store.Tx) error,
) (identity rules.Identity, pool rules.Pool, err error) {
	found := false
	err = e.store.View(ctx, func(tx *store.Tx) (err error) {
		if identity, found, err = tx.Identity(id); err != nil || also == nil {
			return err
		}
		return also(tx)
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
