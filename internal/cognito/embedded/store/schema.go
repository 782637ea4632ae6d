package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNewerSchema says that a newer broker made the store; an older one would
// not know what its rows mean.
var ErrNewerSchema = errors.New("the store was made by a newer broker")

// migrations bring the schema from version i to i+1. Append, never edit: stores
// in the field have run the earlier ones.
func migrations() []string {
	return []string{
		`CREATE TABLE secrets (
			name  TEXT PRIMARY KEY,
			value BLOB NOT NULL
		) WITHOUT ROWID;
		CREATE TABLE pools (
			id         TEXT PRIMARY KEY,
			definition TEXT NOT NULL
		) WITHOUT ROWID;
		CREATE TABLE identities (
			id       TEXT PRIMARY KEY,
			pool     TEXT NOT NULL REFERENCES pools (id),
			state    INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
			created  INTEGER NOT NULL, -- Unix milliseconds
			modified INTEGER NOT NULL
		) WITHOUT ROWID;
		CREATE INDEX identities_of_pool ON identities (pool, id);
		CREATE TABLE logins (
			pool     TEXT NOT NULL,
			provider TEXT NOT NULL,
			subject  TEXT NOT NULL,
			identity TEXT NOT NULL REFERENCES identities (id),
			PRIMARY KEY (pool, provider, subject)
		) WITHOUT ROWID;
		CREATE INDEX logins_of_identity ON logins (identity);`,
		`CREATE TABLE signing_keys (
			id      TEXT PRIMARY KEY,
			private BLOB NOT NULL,    -- PKCS #8
			created INTEGER NOT NULL, -- Unix milliseconds
			retired INTEGER           -- null while in use
		) WITHOUT ROWID;`,
		`ALTER TABLE identities ADD COLUMN merged_into TEXT NOT NULL DEFAULT ''; -- the identity that has its logins now
		ALTER TABLE identities ADD COLUMN used INTEGER NOT NULL DEFAULT 0;       -- Unix milliseconds, of guests; 0 is created
		CREATE INDEX identities_merged ON identities (merged_into) WHERE merged_into <> '';
		CREATE INDEX logins_of_provider ON logins (identity, provider, subject);
		DROP INDEX logins_of_identity;`,
		`CREATE TABLE sign_outs (
			pool       TEXT NOT NULL REFERENCES pools (id),
			provider   TEXT NOT NULL,
			subject    TEXT NOT NULL,
			not_before INTEGER NOT NULL, -- Unix milliseconds
			told       INTEGER NOT NULL, -- Unix milliseconds
			PRIMARY KEY (pool, provider, subject)
		) WITHOUT ROWID;`,
	}
}

// ErrOlderSchema says that the store waits for a broker to bring it up to date,
// which a reader cannot.
var ErrOlderSchema = errors.New("the store was made by an older broker; start this one on it once")

// schemaVersion reads how many migrations the store has run: at most as many as
// there are.
func schemaVersion(ctx context.Context, db *sql.DB) (int, error) {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if known := len(migrations()); version > known {
		return 0, fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewerSchema, version, known)
	}
	return version, nil
}

// present refuses a store whose schema is not this broker's.
func present(ctx context.Context, db *sql.DB) error {
	version, err := schemaVersion(ctx, db)
	if err == nil && version < len(migrations()) {
		err = ErrOlderSchema
	}
	return err
}

func migrate(ctx context.Context, db *sql.DB) error {
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	steps := migrations()
	for ; version < len(steps); version++ {
		if err := step(ctx, db, steps[version], version+1); err != nil {
			return fmt.Errorf("bring schema to version %d: %w", version+1, err)
		}
	}
	return nil
}

// step runs one migration and its version mark in one transaction.
func step(ctx context.Context, db *sql.DB, script string, version int) error {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback()
	if _, err := t.ExecContext(ctx, script); err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return t.Commit()
}
