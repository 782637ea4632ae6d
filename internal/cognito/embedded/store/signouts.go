package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// SignOut is what was told of a user who signed out, or was removed, at his provider.
type SignOut struct {
	NotBefore time.Time // when a login must have been authenticated at the earliest
	Told      time.Time // when that was told last
}

// SignOut returns what was told of a user of a pool.
func (t *Tx) SignOut(pool string, login rules.Login) (s SignOut, ok bool, err error) {
	var notBefore, told int64
	err = t.q.QueryRowContext(t.ctx,
		"SELECT not_before, told FROM sign_outs WHERE pool = ? AND provider = ? AND subject = ?",
		pool, login.Provider, login.Subject).Scan(&notBefore, &told)
	if errors.Is(err, sql.ErrNoRows) {
		return SignOut{}, false, nil
	}
	if err != nil {
		return SignOut{}, false, fmt.Errorf("read sign-out: %w", err)
	}
	return SignOut{time.UnixMilli(notBefore), time.UnixMilli(told)}, true, nil
}

// PutSignOut notes a sign-out; of several for one user the latest times count.
func (t *Tx) PutSignOut(pool string, login rules.Login, s SignOut) error {
	return t.exec("write sign-out", `INSERT INTO sign_outs (pool, provider, subject, not_before, told)
		VALUES (?, ?, ?, ?, ?) ON CONFLICT (pool, provider, subject) DO UPDATE SET
		not_before = max(not_before, excluded.not_before), told = max(told, excluded.told)`,
		pool, login.Provider, login.Subject, s.NotBefore.UnixMilli(), s.Told.UnixMilli())
}

// SignOutPools returns the pools of which a sign-out was told, in order.
func (t *Tx) SignOutPools() ([]string, error) {
	pools, err := t.column("SELECT DISTINCT pool FROM sign_outs ORDER BY pool")
	if err != nil {
		return nil, fmt.Errorf("list pools with sign-outs: %w", err)
	}
	return pools, nil
}

// SignOutProviders returns the providers of the sign-outs of a pool, in order.
func (t *Tx) SignOutProviders(pool string) ([]string, error) {
	providers, err := t.column("SELECT DISTINCT provider FROM sign_outs WHERE pool = ? ORDER BY provider", pool)
	if err != nil {
		return nil, fmt.Errorf("list providers of sign-outs: %w", err)
	}
	return providers, nil
}

// SignOuts calls visit for each sign-out of a pool, in order, until an error.
func (t *Tx) SignOuts(pool string, visit func(rules.Login, SignOut) error) error {
	rows, err := t.q.QueryContext(t.ctx,
		"SELECT provider, subject, not_before, told FROM sign_outs WHERE pool = ? ORDER BY provider, subject", pool)
	if err != nil {
		return fmt.Errorf("list sign-outs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l rules.Login
		var notBefore, told int64
		if err := rows.Scan(&l.Provider, &l.Subject, &notBefore, &told); err != nil {
			return fmt.Errorf("list sign-outs: %w", err)
		}
		if err := visit(l, SignOut{time.UnixMilli(notBefore), time.UnixMilli(told)}); err != nil {
			return err
		}
	}
	return rows.Err()
}
