package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
)

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

// OwnSecret returns the secret of that name, and makes one of size random bytes
// where there is none yet.
func (s *Store) OwnSecret(ctx context.Context, name string, size int) (value []byte, err error) {
	there := false
	err = s.View(ctx, func(tx *Tx) (err error) {
		value, there, err = tx.Secret(name)
		return err
	})
	if err != nil || there { // a reader of a store in use needs no write
		return value, err
	}
	err = s.Update(ctx, func(tx *Tx) error {
		kept, ok, err := tx.Secret(name)
		if err != nil || ok {
			value = kept
			return err
		}
		value = make([]byte, size)
		rand.Read(value)
		return tx.PutSecret(name, value)
	})
	if err != nil {
		return nil, fmt.Errorf("own secret %s: %w", name, err)
	}
	return value, nil
}

// SigningKeys returns the issuer's keys. The Store is the issuer's issuer.Keys.
func (s *Store) SigningKeys(ctx context.Context) (keys []issuer.Key, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		rows, err := tx.q.QueryContext(tx.ctx, "SELECT id, private, created, retired FROM signing_keys ORDER BY created, id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k issuer.Key
			var created int64
			var retired sql.NullInt64
			if err := rows.Scan(&k.ID, &k.Private, &created, &retired); err != nil {
				return err
			}
			k.Created = time.UnixMilli(created)
			if retired.Valid {
				k.Retired = time.UnixMilli(retired.Int64)
			}
			keys = append(keys, k)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	return keys, nil
}

// ReplaceSigningKeys stores next in place of all signing keys.
func (s *Store) ReplaceSigningKeys(ctx context.Context, next []issuer.Key) error {
	return s.Update(ctx, func(tx *Tx) error {
		if err := tx.exec("drop signing keys", "DELETE FROM signing_keys"); err != nil {
			return err
		}
		for _, k := range next {
			retired := sql.NullInt64{Int64: k.Retired.UnixMilli(), Valid: !k.Retired.IsZero()}
			if err := tx.exec("write signing key",
				"INSERT INTO signing_keys (id, private, created, retired) VALUES (?, ?, ?, ?)",
				k.ID, k.Private, k.Created.UnixMilli(), retired); err != nil {
				return err
			}
		}
		return nil
	})
}
