package embedded

import (
	"context"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// Identity tells which pool an identity is of, and whether it is still a guest,
// so that a call with logins would link them.
func (e *directory) Identity(ctx context.Context, id string) (pool string, guest, ok bool, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		i, found, err := tx.Identity(id)
		pool, guest, ok = i.Pool, i.State == rules.Guest, found
		return err
	})
	return pool, guest, ok, err
}

// Owner tells which identity a login belongs to.
func (e *directory) Owner(ctx context.Context, pool, provider, subject string) (id string, ok bool, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		id, ok, err = tx.Owner(pool, rules.Login{Provider: provider, Subject: subject})
		return err
	})
	return id, ok, err
}

// Owners is Owner, as a list.
func (e *directory) Owners(ctx context.Context, pool, provider, subject string) ([]string, error) {
	id, ok, err := e.Owner(ctx, pool, provider, subject)
	if err != nil || !ok {
		return nil, err
	}
	return []string{id}, nil
}

// Owns tells the engine nothing new.
func (e *directory) Owns(_, _, _, _ string) {}

// Disowns tells the engine nothing new.
func (e *directory) Disowns(_, _, _ string) {}

// Matters reports whether a claim of a provider's tokens can change what a pool
// answers.
func (e *directory) Matters(pool, provider, claim string) bool {
	p, ok := e.pool(pool)
	return !ok || rules.RelevantClaim(&p, provider, claim)
}
