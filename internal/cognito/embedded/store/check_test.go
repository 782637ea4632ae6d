package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// A sound store has no findings; each planted fault is found, and where.
func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.db")
	s := open(t, path)
	one, two := identity(1), identity(2)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		two.State = rules.Guest
		return errors.Join(tx.AddIdentity(one), tx.AddIdentity(two),
			tx.PutPool(rules.Pool{ID: pool, Name: "demo", DeveloperProvider: "login.example"}),
			tx.Link(pool, rules.Login{Provider: "idp.example", Subject: "alice"}, one.ID),
			tx.Link(pool, rules.Login{Provider: "login.example", Subject: "a"}, one.ID),
			tx.Link(pool, rules.Login{Provider: "login.example", Subject: "b"}, one.ID))
	})
	if err != nil {
		t.Fatal(err)
	}
	if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
		t.Fatalf("a sound store: got %v %v, want no findings", findings, err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for fault, want := range map[string]string{
		"UPDATE identities SET state = 2 WHERE state = 1":                                                                   "an authenticated identity has no login: " + two.ID,
		"UPDATE identities SET state = 1 WHERE id = '" + one.ID + "'":                                                       "a guest has a login: " + one.ID,
		"UPDATE identities SET state = 3 WHERE id = '" + one.ID + "'":                                                       "a disabled identity has a login: " + one.ID,
		"UPDATE logins SET pool = 'x'":                                                                                      "a login is of another pool than its identity: " + one.ID,
		"UPDATE identities SET pool = 'x' WHERE state = 1":                                                                  "an identity is of no pool: " + two.ID,
		"DELETE FROM identities WHERE id = '" + one.ID + "'":                                                                "a login is of no identity: " + one.ID,
		"INSERT INTO logins VALUES ('" + pool + "', 'idp.example', 'bob', '" + one.ID + "')":                                "an identity has two logins of a provider: " + one.ID,
		"UPDATE identities SET merged_into = '" + one.ID + "' WHERE state = 1":                                              "an identity that is not disabled was merged: " + two.ID,
		"UPDATE identities SET state = 3, merged_into = id WHERE state = 1":                                                 "an identity was merged into one that was merged: " + two.ID,
		"UPDATE identities SET state = 3, pool = 'y', merged_into = '" + one.ID + "' WHERE id <> merged_into AND state = 1": "an identity was merged into one of another pool: " + two.ID,
	} {
		for _, statement := range []string{"SAVEPOINT fault", fault} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		db.Exec("RELEASE fault")
		findings, err := s.Check(t.Context())
		if err != nil || !strings.Contains(strings.Join(findings, "\n"), want) {
			t.Errorf("%s: got %v %v, want %q", fault, findings, err, want)
		}
		restore(t, db, one.ID, two.ID)
	}
}

// restore brings the store back to what it was before a planted fault.
func restore(t *testing.T, db *sql.DB, one, two string) {
	t.Helper()
	for _, statement := range []string{
		"DELETE FROM logins", "DELETE FROM identities",
		"INSERT INTO identities (id, pool, state, created, modified) VALUES ('" + one + "', '" + pool + "', 2, 0, 0), ('" + two + "', '" + pool + "', 1, 0, 0)",
		"INSERT INTO logins VALUES ('" + pool + "', 'idp.example', 'alice', '" + one + "')",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// A reader opens a store that a broker writes to, sees what was acknowledged, and
// writes nothing.
func TestOpenReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.db")
	if _, err := store.OpenReader(t.Context(), path); err == nil {
		t.Error("no store: got one")
	}
	s := open(t, path)
	reader, err := store.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.AddIdentity(identity(1)) }); err != nil {
		t.Fatal(err)
	}
	err = reader.View(t.Context(), func(tx *store.Tx) error {
		if _, ok, err := tx.Identity(identity(1).ID); !ok {
			return errors.Join(errors.New("it is not there"), err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("an acknowledged identity: got %v", err)
	}
	if err := reader.Update(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a write: got %v, want ErrClosed", err)
	}
	if findings, err := reader.Check(t.Context()); err != nil || len(findings) != 1 { // identity 1 has no login
		t.Errorf("Check: got %v %v, want one finding", findings, err)
	}
}
