package store

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// A mark is a random value that is renewed by each change of pools that no running
// broker makes, and so none tells its caches of: by the configuration at a start, by an
// import, or without the cache that other brokers share. Whoever has seen a mark knows
// whether there was such a change since.
const (
	markStore       = "mark/store"
	markLogins      = "mark/logins/"
	markCredentials = "mark/credentials/"
	served          = "served"
)

// Marks are those of a store; one that is missing was never set. The maps are by pool.
type Marks struct {
	Store               string            // of all that the store has
	Logins, Credentials map[string]string // of whose logins are, and of what they get
}

// Marks returns the store's.
func (t *Tx) Marks() (Marks, error) {
	m := Marks{Logins: map[string]string{}, Credentials: map[string]string{}}
	rows, err := t.q.QueryContext(t.ctx, "SELECT name, value FROM secrets WHERE name LIKE 'mark/%'")
	if err != nil {
		return Marks{}, fmt.Errorf("read marks: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return Marks{}, fmt.Errorf("read marks: %w", err)
		}
		if pool, ok := strings.CutPrefix(name, markLogins); ok {
			m.Logins[pool] = string(value)
		} else if pool, ok := strings.CutPrefix(name, markCredentials); ok {
			m.Credentials[pool] = string(value)
		} else if name == markStore {
			m.Store = string(value)
		}
	}
	return m, rows.Err()
}

// Mark notes a change of what the pool's logins get, and with logins also of whose they
// are.
func (t *Tx) Mark(pool string, logins bool) error {
	if logins {
		if err := t.renew(markLogins + pool); err != nil {
			return err
		}
	}
	return t.renew(markCredentials + pool)
}

// MarkStore notes that all may have changed.
func (t *Tx) MarkStore() error { return t.renew(markStore) }

// Served returns what PutServed wrote last; nil: nothing.
func (t *Tx) Served() ([]byte, error) {
	value, _, err := t.Secret(served)
	return value, err
}

// PutServed notes under which settings the store was served, with a cache that others
// share, last.
func (t *Tx) PutServed(value []byte) error { return t.put(served, value) }

func (t *Tx) renew(mark string) error {
	value := make([]byte, 16)
	rand.Read(value)
	return t.put(mark, value)
}

func (t *Tx) put(name string, value []byte) error {
	return t.exec("write a mark", `INSERT INTO secrets (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}
