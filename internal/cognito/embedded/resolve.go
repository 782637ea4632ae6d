package embedded

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// update writes. A store that takes no writes is told from a write that is not in
// order: it passes.
func (e *poolState) update(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := e.store.Update(ctx, fn)
	if _, ok := errors.AsType[*store.Unwritable](err); ok {
		return cognito.Unavailable(err)
	}
	return err
}

// orGone explains a write that failed because its pool was deleted meanwhile.
func (e *poolState) orGone(pool *rules.Pool, err error) error {
	if _, ok := e.pool(pool.ID); !ok {
		return cognito.WithCause(cognito.PoolNotFound(pool.ID), err)
	}
	return err
}

// gather reads what the rules need to know of the owners of a call's logins, and
// of the identities that the call names.
func gather(tx *store.Tx, pool *rules.Pool, asked []rules.Login, named ...rules.Identity) (rules.Facts, error) {
	facts := rules.Facts{
		Owners: map[rules.Login]string{}, Identities: map[string]rules.Identity{}, Linked: map[string][]rules.Login{},
	}
	for _, i := range named {
		if err := learn(tx, &facts, i.ID); err != nil {
			return facts, err
		}
		if err := learn(tx, &facts, i.MergedInto); err != nil {
			return facts, err
		}
	}
	for _, l := range asked {
		owner, ok, err := tx.Owner(pool.ID, l)
		if err != nil {
			return facts, err
		}
		if ok {
			facts.Owners[l] = owner
			if err := learn(tx, &facts, owner); err != nil {
				return facts, err
			}
		}
	}
	return facts, nil
}

// learn adds an identity with its logins to facts; there need not be one.
func learn(tx *store.Tx, facts *rules.Facts, id string) error {
	if _, known := facts.Identities[id]; known || id == "" {
		return nil
	}
	identity, ok, err := tx.Identity(id)
	if err != nil || !ok {
		return err
	}
	facts.Identities[id] = identity
	facts.Linked[id], err = tx.Logins(id)
	return err
}

// present reads an identity as it is in tx, with the facts about asked logins.
func present(tx *store.Tx, pool *rules.Pool, id string, asked []rules.Login) (rules.Identity, rules.Facts, error) {
	identity, found, err := tx.Identity(id)
	if err != nil {
		return identity, rules.Facts{}, err
	}
	if !found {
		return identity, rules.Facts{}, cognito.IdentityNotFound(id)
	}
	facts, err := gather(tx, pool, asked, identity)
	return identity, facts, err
}
