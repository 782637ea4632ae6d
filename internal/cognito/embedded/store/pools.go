package store

import (
	"encoding/json"
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// definitionLimits bound a pool's definition; the largest that can be made has 30 MB.
// Members that are not known are left alone: a newer release may have written them.
var definitionLimits = strictjson.Limits{Bytes: 64 << 20, Depth: 16, Values: 4_000_000}

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
		if err := strictjson.DecodeSome(definition, &p, definitionLimits); err != nil {
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

// DeletePool removes a pool with its identities and logins.
func (t *Tx) DeletePool(id string) error {
	for _, statement := range []string{
		"DELETE FROM logins WHERE pool = ?", "DELETE FROM identities WHERE pool = ?",
		"DELETE FROM sign_outs WHERE pool = ?", "DELETE FROM pools WHERE id = ?",
	} {
		if err := t.exec("delete pool", statement, id); err != nil {
			return err
		}
	}
	return t.exec("delete marks", "DELETE FROM secrets WHERE name IN (?, ?)", markLogins+id, markCredentials+id)
}
