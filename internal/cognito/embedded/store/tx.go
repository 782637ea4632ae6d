package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Tx is one consistent state of the store: a read of View, or a write of Update
// that sees its own changes. It lives no longer than the function it was given to.
type Tx struct {
	ctx context.Context // of the one View or Update that made it
	q   *sql.Tx
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
