package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// A store without space refuses writes by name, keeps nothing of them, and takes
// the next ones when there is space. A write that fails for a reason of its own says
// nothing of the store.
func TestWithoutSpace(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pages := func(most string) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error {
			return tx.exec("limit", "PRAGMA max_page_count = "+most)
		}); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name string, size int) error {
		return s.Update(t.Context(), func(tx *Tx) error {
			if err := tx.PutSecret(name, make([]byte, size)); err != nil {
				return err
			}
			return tx.PutSecret(name+" too", []byte("x"))
		})
	}
	names := func() (n int) {
		t.Helper()
		err := s.View(t.Context(), func(tx *Tx) error {
			return tx.q.QueryRowContext(t.Context(), "SELECT count(*) FROM secrets").Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := put("first", 1); err != nil {
		t.Fatal(err)
	}
	pages("1") // none beyond those there are
	for n := range 3 {
		err := put(fmt.Sprint("large", n), 1<<20)
		if _, ok := errors.AsType[*Unwritable](err); !ok || s.Writable() || names() != 2 {
			t.Errorf("without space: got %v, writable %v, %d secrets; want *Unwritable and 2 secrets", err, s.Writable(),
				names())
		}
	}
	pages("1000000")
	if err := put("large", 1<<20); err != nil || !s.Writable() || names() != 4 {
		t.Errorf("with space again: got %v, writable %v, %d secrets; want 4", err, s.Writable(), names())
	}
	refused := errors.New("refused")
	for what, fn := range map[string]func(tx *Tx) error{
		"a broken constraint": func(tx *Tx) error { return tx.PutSecret("first", nil) },
		"a refusal":           func(*Tx) error { return refused },
	} {
		err := s.Update(context.Background(), fn)
		if _, ok := errors.AsType[*Unwritable](err); err == nil || ok || !s.Writable() {
			t.Errorf("%s: got %v, writable %v; want a writable store", what, err, s.Writable())
		}
	}
}
