package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

const identityColumns = "id, pool, state, created, modified, merged_into"

// row is what a query brings, one row at a time.
type row interface{ Scan(into ...any) error }

func scanIdentity(r row) (i rules.Identity, err error) {
	var created, modified int64
	if err := r.Scan(&i.ID, &i.Pool, &i.State, &created, &modified, &i.MergedInto); err != nil {
		return rules.Identity{}, err
	}
	i.Created, i.Modified = time.UnixMilli(created), time.UnixMilli(modified)
	return i, nil
}

// Identity returns the identity with that id.
func (t *Tx) Identity(id string) (identity rules.Identity, ok bool, err error) {
	identity, err = scanIdentity(t.q.QueryRowContext(t.ctx, "SELECT "+identityColumns+" FROM identities WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return rules.Identity{}, false, nil
	}
	if err != nil {
		return rules.Identity{}, false, fmt.Errorf("read identity: %w", err)
	}
	return identity, true, nil
}

// Identities returns those of a pool that follow after, by id, at most limit; the
// disabled among them if disabled says so.
func (t *Tx) Identities(pool, after string, disabled bool, limit int) ([]rules.Identity, error) {
	least := rules.Disabled
	if !disabled {
		least = rules.Authenticated
	}
	rows, err := t.q.QueryContext(t.ctx, "SELECT "+identityColumns+
		" FROM identities WHERE pool = ? AND id > ? AND state <= ? ORDER BY id LIMIT ?", pool, after, least, limit)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	defer rows.Close()
	var list []rules.Identity
	for rows.Next() {
		i, err := scanIdentity(rows)
		if err != nil {
			return nil, fmt.Errorf("list identities: %w", err)
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

// AddIdentity writes a new identity; one with its id must not exist.
func (t *Tx) AddIdentity(i rules.Identity) error {
	return t.exec("add identity", "INSERT INTO identities ("+identityColumns+") VALUES (?, ?, ?, ?, ?, ?)",
		i.ID, i.Pool, i.State, i.Created.UnixMilli(), i.Modified.UnixMilli(), i.MergedInto)
}

// Touch notes when a guest was used last; it moves no date that callers see.
func (t *Tx) Touch(id string, used time.Time) error {
	return t.exec("note use", "UPDATE identities SET used = ? WHERE id = ?", used.UnixMilli(), id)
}

// LastUse is the later of when an identity was made and when Touch noted its use.
func (t *Tx) LastUse(id string) (time.Time, error) {
	var ms int64
	err := t.q.QueryRowContext(t.ctx, "SELECT max(created, used) FROM identities WHERE id = ?", id).Scan(&ms)
	if err != nil {
		return time.Time{}, fmt.Errorf("read last use: %w", err)
	}
	return time.UnixMilli(ms), nil
}

// DropGuests removes at most limit of a pool's guests that were last used before,
// and returns how many it removed.
func (t *Tx) DropGuests(pool string, before time.Time, limit int) (int, error) {
	result, err := t.q.ExecContext(t.ctx, `DELETE FROM identities WHERE id IN (SELECT id FROM identities
		WHERE pool = ? AND state = ? AND max(created, used) < ? LIMIT ?)`, pool, rules.Guest, before.UnixMilli(), limit)
	if err != nil {
		return 0, fmt.Errorf("drop guests: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// SetState changes an identity's state and its time of modification.
func (t *Tx) SetState(id string, state rules.State, modified time.Time) error {
	return t.exec("set identity state", "UPDATE identities SET state = ?, modified = ? WHERE id = ?",
		state, modified.UnixMilli(), id)
}

// Merge gives loser's logins to survivor and disables loser. What was merged into
// loser before counts as merged into survivor from now on.
func (t *Tx) Merge(loser, survivor string, modified time.Time) error {
	if err := t.exec("move logins", "UPDATE logins SET identity = ? WHERE identity = ?", survivor, loser); err != nil {
		return err
	}
	if err := t.exec("follow merge", "UPDATE identities SET merged_into = ? WHERE merged_into = ?", survivor,
		loser); err != nil {
		return err
	}
	return t.exec("disable identity", "UPDATE identities SET state = ?, merged_into = ?, modified = ? WHERE id = ?",
		rules.Disabled, survivor, modified.UnixMilli(), loser)
}

// DeleteIdentity removes an identity with its logins; there need not be one.
func (t *Tx) DeleteIdentity(id string) error {
	if err := t.exec("delete logins", "DELETE FROM logins WHERE identity = ?", id); err != nil {
		return err
	}
	return t.exec("delete identity", "DELETE FROM identities WHERE id = ?", id)
}
