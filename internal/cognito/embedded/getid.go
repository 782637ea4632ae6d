package embedded

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// GetId returns the identity of the logins, or makes one (reference 3.4). Without
// logins every call makes a new guest.
func (e *Engine) GetId(ctx context.Context, in *cognitoidentity.GetIdInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	if err := e.begin("GetId", in); err != nil {
		return nil, err
	}
	pool, ok := e.pool(*in.IdentityPoolId)
	if !ok || (in.AccountId != nil && *in.AccountId != e.accountID) {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	r, err := e.findOrMake(ctx, &pool, in.Logins)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.GetIdOutput{IdentityId: aws.String(r.Identity)}
	cognito.NoteMerged(&out.ResultMetadata, r.Merge)
	return out, nil
}

func (e *Engine) findOrMake(ctx context.Context, pool *rules.Pool, tokens map[string]string) (rules.Resolution, error) {
	if len(tokens) == 0 {
		guest, err := e.newGuest(ctx, pool)
		return rules.Resolution{Identity: guest}, err
	}
	proven, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return rules.Resolution{}, err
	}
	asked := loginsOf(proven)
	return e.resolve(ctx, pool, func(tx *store.Tx) (rules.Resolution, error) {
		facts, err := gather(tx, pool, asked)
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.ResolveNew(pool, asked, facts)
	})
}

func (e *Engine) newGuest(ctx context.Context, pool *rules.Pool) (string, error) {
	if !pool.AllowGuests {
		return "", cognito.NotAuthorized(cognito.MsgGuestsNotAllowed)
	}
	guest := e.newIdentity(pool, rules.Guest)
	if err := e.update(ctx, func(tx *store.Tx) error { return tx.AddIdentity(guest) }); err != nil {
		return "", e.orGone(pool, err)
	}
	return guest.ID, nil
}

func (e *Engine) newIdentity(pool *rules.Pool, state rules.State) rules.Identity {
	now := e.now()
	return rules.Identity{ID: newID(region(pool.ID)), Pool: pool.ID, State: state, Created: now, Modified: now}
}
