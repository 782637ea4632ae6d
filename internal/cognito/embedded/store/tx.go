package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Tx is one consistent state of the store: a read of View, or a write of Update
// that sees its own changes. It lives no longer than the function it was given to.
type Tx struct {
	ctx context.Context // of the one View or Update that made it
	q   *sql.Tx
}

// Pools returns all pools.
func (t *Tx) Pools() ([]rules.Pool, error) {
	rows, err := t.q.QueryContext(t.ctx, "SELECT definition FROM pools ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read pools: %w", err)
	}
	defer rows.Close()
	var pools []rules.Pool
	for rows.Next() {
		var definition []byte
		if err := rows.Scan(&definition); err != nil {
			return nil, fmt.Errorf("read pools: %w", err)
		}
		var p rules.Pool
		if err := json.Unmarshal(definition, &p); err != nil {
			return nil, fmt.Errorf("decode pool: %w", err)
		}
		pools = append(pools, p)
	}
	return pools, rows.Err()
}

// PutPool writes a pool, replacing one of the same id.
func (t *Tx) PutPool(p rules.Pool) error {
	definition, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode pool: %w", err)
	}
	return t.exec("write pool", `INSERT INTO pools (id, definition) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET definition = excluded.definition`, p.ID, string(definition))
}

// Identity returns the identity with that id.
func (t *Tx) Identity(id string) (identity rules.Identity, ok bool, err error) {
	var created, modified int64
	identity.ID = id
	err = t.q.QueryRowContext(t.ctx, "SELECT pool, state, created, modified FROM identities WHERE id = ?", id).
		Scan(&identity.Pool, &identity.State, &created, &modified)
	if errors.Is(err, sql.ErrNoRows) {
		return rules.Identity{}, false, nil
	}
	if err != nil {
		return rules.Identity{}, false, fmt.Errorf("read identity: %w", err)
	}
	identity.Created, identity.Modified = time.UnixMilli(created), time.UnixMilli(modified)
	return identity, true, nil
}

// AddIdentity writes a new identity; one with its id must not exist.
func (t *Tx) AddIdentity(i rules.Identity) error {
	return t.exec("add identity", "INSERT INTO identities (id, pool, state, created, modified) VALUES (?, ?, ?, ?, ?)",
		i.ID, i.Pool, i.State, i.Created.UnixMilli(), i.Modified.UnixMilli())
}

// SetState changes an identity's state and its time of modification.
func (t *Tx) SetState(id string, state rules.State, modified time.Time) error {
	return t.exec("set identity state", "UPDATE identities SET state = ?, modified = ? WHERE id = ?",
		state, modified.UnixMilli(), id)
}

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
	rows, err := t.q.QueryContext(t.ctx, "SELECT provider, subject FROM logins WHERE identity = ? ORDER BY provider, subject", identity)
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

// Link gives a login to an identity. The schema refuses a login that is linked
// already, to whomever.
func (t *Tx) Link(pool string, login rules.Login, identity string) error {
	return t.exec("link login", "INSERT INTO logins (pool, provider, subject, identity) VALUES (?, ?, ?, ?)",
		pool, login.Provider, login.Subject, identity)
}

// Secret returns a secret that the broker made for itself.
func (t *Tx) Secret(name string) (value []byte, ok bool, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT value FROM secrets WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read secret %s: %w", name, err)
	}
	return value, true, nil
}

// PutSecret writes a secret that the broker made for itself.
func (t *Tx) PutSecret(name string, value []byte) error {
	return t.exec("write secret", "INSERT INTO secrets (name, value) VALUES (?, ?)", name, value)
}

// Pragma returns a setting of the connection, for checks of durability.
func (t *Tx) Pragma(name string) (value string, err error) {
	if err := t.q.QueryRowContext(t.ctx, "SELECT * FROM pragma_"+name).Scan(&value); err != nil {
		return "", fmt.Errorf("read pragma %s: %w", name, err)
	}
	return value, nil
}

func (t *Tx) exec(act, statement string, args ...any) error {
	if _, err := t.q.ExecContext(t.ctx, statement, args...); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return nil
}
