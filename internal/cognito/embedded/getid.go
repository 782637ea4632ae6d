package embedded

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// GetId returns the identity of the logins, or makes one (docs/cognito.md#getid). Without
// logins every call makes a new guest.
func (e *Engine) GetId(
	ctx context.Context, in *cognitoidentity.GetIdInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetIdOutput, error) {
	if err := e.begin("GetId", in); err != nil {
		return nil, err
	}
	p, err := e.prepareGetId(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := e.run(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.GetIdOutput{IdentityId: aws.String(r.Identity)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

func (e *Engine) prepareGetId(ctx context.Context, in *cognitoidentity.GetIdInput) (*prepared, error) {
	pool, ok := e.pool(*in.IdentityPoolId)
	if !ok || (in.AccountId != nil && *in.AccountId != e.accountID) {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	if len(in.Logins) == 0 {
		if !pool.AllowGuests {
			return nil, cognito.NotAuthorized(cognito.MsgGuestsNotAllowed)
		}
		return &prepared{pool: pool, newcomer: rules.Guest}, nil
	}
	proven, err := e.prove(ctx, &pool, in.Logins)
	if err != nil {
		return nil, err
	}
	asked := loginsOf(proven)
	return &prepared{pool: pool, newcomer: rules.Authenticated, decide: func(tx *store.Tx) (ruling, error) {
		facts, err := gather(tx, &pool, asked)
		if err != nil {
			return ruling{}, err
		}
		r, err := rules.ResolveNew(&pool, asked, facts)
		return ruling{Resolution: r, facts: facts}, err
	}}, nil
}

func (e *Engine) newIdentity(pool *rules.Pool, state rules.State) rules.Identity {
	now := e.now()
	return rules.Identity{ID: newID(region(pool.ID)), Pool: pool.ID, State: state, Created: now, Modified: now}
}
