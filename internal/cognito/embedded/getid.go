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
	if err := cognito.Check("GetId", in); err != nil {
		return nil, err
	}
	id := aws.ToString(in.IdentityPoolId)
	pool, ok := e.pool(id)
	if !ok || (in.AccountId != nil && *in.AccountId != e.accountID) {
		return nil, cognito.PoolNotFound(id)
	}
	identity, err := e.findOrMake(ctx, &pool, in.Logins)
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.GetIdOutput{IdentityId: aws.String(identity)}, nil
}

func (e *Engine) findOrMake(ctx context.Context, pool *rules.Pool, tokens map[string]string) (string, error) {
	if len(tokens) == 0 {
		if !pool.AllowGuests {
			return "", cognito.NotAuthorized(cognito.MsgGuestsNotAllowed)
		}
		guest := e.newIdentity(pool, rules.Guest)
		return guest.ID, e.store.Update(ctx, func(tx *store.Tx) error { return tx.AddIdentity(guest) })
	}
	asked, err := e.prove(ctx, pool, tokens)
	if err != nil {
		return "", err
	}
	var r rules.Resolution
	err = e.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = resolveNew(tx, pool, asked)
		return err
	})
	if err != nil || (r.Identity != "" && len(r.Link) == 0) {
		return r.Identity, err
	}
	return e.makeOrLink(ctx, pool, asked)
}

// makeOrLink resolves again inside the write: another call may have linked the
// same login since the read.
func (e *Engine) makeOrLink(ctx context.Context, pool *rules.Pool, asked []rules.Login) (string, error) {
	fresh := e.newIdentity(pool, rules.Authenticated)
	var r rules.Resolution
	err := e.store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = resolveNew(tx, pool, asked); err != nil {
			return err
		}
		if r.Identity == "" {
			r.Identity = fresh.ID
			if err := tx.AddIdentity(fresh); err != nil {
				return err
			}
		}
		return e.link(tx, pool, r)
	})
	if err != nil {
		return "", err
	}
	return r.Identity, nil
}

// resolveNew decides on the identity that owns the first of the logins that
// anyone owns.
func resolveNew(tx *store.Tx, pool *rules.Pool, asked []rules.Login) (rules.Resolution, error) {
	facts, err := gather(tx, pool, "", asked)
	if err != nil {
		return rules.Resolution{}, err
	}
	for _, l := range asked {
		owner, ok := facts.Owners[l]
		if !ok {
			continue
		}
		identity, _, err := tx.Identity(owner)
		if err != nil {
			return rules.Resolution{}, err
		}
		if facts.Linked, err = tx.Logins(owner); err != nil {
			return rules.Resolution{}, err
		}
		return rules.ResolveNew(asked, &identity, facts)
	}
	return rules.ResolveNew(asked, nil, facts)
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
