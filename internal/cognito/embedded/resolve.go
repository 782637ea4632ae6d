package embedded

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// resolve decides on a read of the store, and again inside a write where the
// decision is to change something: another call may have been faster.
func (e *Engine) resolve(ctx context.Context, pool *rules.Pool, decide func(tx *store.Tx) (rules.Resolution, error)) (rules.Resolution, error) {
	var r rules.Resolution
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = decide(tx)
		return err
	})
	if err != nil || !r.Changes() {
		return r, err
	}
	fresh := e.newIdentity(pool, rules.Authenticated)
	err = e.update(ctx, func(tx *store.Tx) (err error) {
		if r, err = decide(tx); err != nil {
			return err
		}
		if r.Identity == "" {
			r.Identity = fresh.ID
			if err := tx.AddIdentity(fresh); err != nil {
				return err
			}
		}
		return e.carryOut(tx, pool, r)
	})
	if err != nil {
		return rules.Resolution{}, e.orGone(pool, err)
	}
	return r, nil
}

// carryOut merges and links; it is one write, so nobody sees half of it.
func (e *Engine) carryOut(tx *store.Tx, pool *rules.Pool, r rules.Resolution) error {
	for _, loser := range r.Merge {
		if err := tx.Merge(loser, r.Identity, e.now()); err != nil {
			return err
		}
	}
	for _, l := range r.Link {
		if err := tx.Link(pool.ID, l, r.Identity); err != nil {
			return err
		}
	}
	if len(r.Merge)+len(r.Link) == 0 {
		return nil
	}
	return tx.SetState(r.Identity, rules.Authenticated, e.now())
}

// update writes. A store that takes no writes is told from a write that is not in
// order: it passes.
func (e *Engine) update(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := e.store.Update(ctx, fn)
	if _, ok := errors.AsType[*store.Unwritable](err); ok {
		return cognito.Unavailable(err)
	}
	return err
}

// orGone explains a write that failed because its pool was deleted meanwhile.
func (e *Engine) orGone(pool *rules.Pool, err error) error {
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
