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
	identity, err := e.findOrMake(ctx, &pool, in.Logins)
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.GetIdOutput{IdentityId: aws.String(identity)}, nil
}

func (e *Engine) findOrMake(ctx context.Context, pool *rules.Pool, tokens map[string]string) (string, error) {
	if len(tokens) == 0 {
		return e.newGuest(ctx, pool)
	}
	proven, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return "", err
	}
	asked := loginsOf(proven)
	return e.resolve(ctx, pool, func(tx *store.Tx) (rules.Resolution, error) {
		owner, facts, err := owner(tx, pool, asked)
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.ResolveNew(asked, owner, facts)
	})
}

func (e *Engine) newGuest(ctx context.Context, pool *rules.Pool) (string, error) {
	if !pool.AllowGuests {
		return "", cognito.NotAuthorized(cognito.MsgGuestsNotAllowed)
	}
	guest := e.newIdentity(pool, rules.Guest)
	if err := e.store.Update(ctx, func(tx *store.Tx) error { return tx.AddIdentity(guest) }); err != nil {
		return "", e.orGone(pool, err)
	}
	return guest.ID, nil
}

// owner finds the identity that owns the first of the logins that anyone owns,
// with the facts about it; nil when nobody owns any.
func owner(tx *store.Tx, pool *rules.Pool, asked []rules.Login) (*rules.Identity, rules.Facts, error) {
	facts, err := gather(tx, pool, "", asked)
	if err != nil {
		return nil, facts, err
	}
	for _, l := range asked {
		id, ok := facts.Owners[l]
		if !ok {
			continue
		}
		identity, _, err := tx.Identity(id)
		if err != nil {
			return nil, facts, err
		}
		facts.Linked, err = tx.Logins(id)
		return &identity, facts, err
	}
	return nil, facts, nil
}

// gather reads what resolution needs to know; identity may be empty.
func gather(tx *store.Tx, pool *rules.Pool, identity string, asked []rules.Login) (rules.Facts, error) {
	facts := rules.Facts{Owners: map[rules.Login]string{}}
	for _, l := range asked {
		owner, ok, err := tx.Owner(pool.ID, l)
		if err != nil {
			return facts, err
		}
		if ok {
			facts.Owners[l] = owner
		}
	}
	var err error
	if identity != "" {
		facts.Linked, err = tx.Logins(identity)
	}
	return facts, err
}

func (e *Engine) link(tx *store.Tx, pool *rules.Pool, r rules.Resolution) error {
	for _, l := range r.Link {
		if err := tx.Link(pool.ID, l, r.Identity); err != nil {
			return err
		}
	}
	if len(r.Link) == 0 {
		return nil
	}
	return tx.SetState(r.Identity, rules.Authenticated, e.now())
}

func (e *Engine) newIdentity(pool *rules.Pool, state rules.State) rules.Identity {
	now := e.now()
	return rules.Identity{ID: newID(region(pool.ID)), Pool: pool.ID, State: state, Created: now, Modified: now}
}
