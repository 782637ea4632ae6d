package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Owner returns the id of the identity that a login is linked to in a pool.
func (t *Tx) Owner(pool string, login rules.Login) (identity string, ok bool, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT identity FROM logins WHERE pool = ? AND provider = ? AND subject = ?",
		pool, login.Provider, login.Subject).Scan(&identity)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read login: %w", err)
	}
	return identity, true, nil
}

// Logins returns the logins of an identity.
func (t *Tx) Logins(identity string) ([]rules.Login, error) {
	rows, err := t.q.QueryContext(t.ctx,
		"SELECT provider, subject FROM logins WHERE identity = ? ORDER BY provider, subject", identity)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	defer rows.Close()
	var logins []rules.Login
	for rows.Next() {
		var l rules.Login
		if err := rows.Scan(&l.Provider, &l.Subject); err != nil {
			return nil, fmt.Errorf("read logins: %w", err)
		}
		logins = append(logins, l)
	}
	return logins, rows.Err()
}

// LoginProviders returns the providers that some login of a pool is of, in order.
func (t *Tx) LoginProviders(pool string) ([]string, error) {
	providers, err := t.column("SELECT DISTINCT provider FROM logins WHERE pool = ? ORDER BY provider", pool)
	if err != nil {
		return nil, fmt.Errorf("list providers of logins: %w", err)
	}
	return providers, nil
}

// Link gives a login to an identity. The schema refuses a login that is linked
// already, to whomever.
func (t *Tx) Link(pool string, login rules.Login, identity string) error {
	return t.exec("link login", "INSERT INTO logins (pool, provider, subject, identity) VALUES (?, ?, ?, ?)",
		pool, login.Provider, login.Subject, identity)
}

// Unlink takes a login from whoever has it.
func (t *Tx) Unlink(pool string, login rules.Login) error {
	return t.exec("unlink login", "DELETE FROM logins WHERE pool = ? AND provider = ? AND subject = ?",
		pool, login.Provider, login.Subject)
}

// Subjects returns the users of a provider that are linked to an identity and
// follow after, in order, at most limit.
func (t *Tx) Subjects(identity, provider, after string, limit int) ([]string, error) {
	subjects, err := t.column(`SELECT subject FROM logins
		WHERE identity = ? AND provider = ? AND subject > ? ORDER BY subject LIMIT ?`, identity, provider, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return subjects, nil
}
