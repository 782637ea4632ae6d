package store_test

import (
	"path/filepath"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// A mark changes with what it is of, and with nothing else; it is kept.
func TestMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.db")
	s := open(t, path)
	const other = "us-east-1:00000000-0000-4000-8000-000000000002"
	read := func() (m store.Marks) {
		t.Helper()
		if err := s.View(t.Context(), func(tx *store.Tx) (err error) { m, err = tx.Marks(); return err }); err != nil {
			t.Fatal(err)
		}
		return m
	}
	mark := func(change func(tx *store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, before store.Marks, whole, logins, credentials bool) store.Marks {
		t.Helper()
		now := read()
		if (now.Store != before.Store) != whole || (now.Logins[pool] != before.Logins[pool]) != logins ||
			(now.Credentials[pool] != before.Credentials[pool]) != credentials {
			t.Errorf("%s: got %q, before %q; want other marks: %v %v %v", when, now, before, whole, logins, credentials)
		}
		return now
	}
	before := want("at first", store.Marks{}, false, false, false)
	for range 2 {
		mark(func(tx *store.Tx) error { return tx.Mark(pool, false) })
		before = want("credentials", before, false, false, true)
		mark(func(tx *store.Tx) error { return tx.Mark(pool, true) })
		before = want("logins", before, false, true, true)
		mark((*store.Tx).MarkStore)
		before = want("all", before, true, false, false)
		mark(func(tx *store.Tx) error { return tx.Mark(other, true) })
		before = want("another pool", before, false, false, false)
	}
	for _, text := range []string{"", "first", "second"} {
		if text != "" {
			mark(func(tx *store.Tx) error { return tx.PutServed([]byte(text)) })
		}
		err := s.View(t.Context(), func(tx *store.Tx) error {
			if got, err := tx.Served(); err != nil || string(got) != text {
				t.Errorf("served: got %q %v, want %q", got, err, text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want("what was served", before, false, false, false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	want("opened again", before, false, false, false)
}
