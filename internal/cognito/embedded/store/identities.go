package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

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
