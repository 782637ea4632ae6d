package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

const pool = "us-east-1:00000000-0000-4000-8000-000000000001"

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	err = s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutPool(rules.Pool{ID: pool, Name: "demo"}) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func identity(n int) rules.Identity {
	now := time.UnixMilli(1_700_000_000_123)
	return rules.Identity{ID: fmt.Sprintf("us-east-1:%032x", n), Pool: pool, State: rules.Authenticated, Created: now,
		Modified: now}
}

func TestStore(t *testing.T) {
	for name, path := range map[string]string{"file": filepath.Join(t.TempDir(), "a b?%", "broker.db"),
		"memory": store.InMemory} {
		t.Run(name, func(t *testing.T) {
			s := open(t, path)
			login := rules.Login{Provider: "idp.example", Subject: "alice"}
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				return errors.Join(tx.AddIdentity(identity(1)), tx.AddIdentity(identity(2)), tx.Link(pool, login, identity(1).ID))
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Update(t.Context(), func(tx *store.Tx) error {
				return tx.Link(pool, login, identity(2).ID)
			}); err == nil {
				t.Error("a login linked twice: got no error, want one")
			}
			err = s.View(t.Context(), func(tx *store.Tx) error {
				got, ok, err := tx.Identity(identity(1).ID)
				if err != nil || !ok || got != identity(1) {
					t.Errorf("identity: got %+v %v %v, want it as written", got, ok, err)
				}
				if _, ok, err := tx.Identity("us-east-1:none"); ok || err != nil {
					t.Errorf("unknown identity: got %v %v, want none", ok, err)
				}
				if owner, ok, err := tx.Owner(pool, login); owner != identity(1).ID || !ok || err != nil {
					t.Errorf("owner: got %q %v %v, want the first", owner, ok, err)
				}
				if logins, err := tx.Logins(identity(1).ID); len(logins) != 1 || err != nil {
					t.Errorf("logins: got %v %v, want one", logins, err)
				}
				pools, err := tx.Pools()
				if len(pools) != 1 || pools[0].Name != "demo" {
					t.Errorf("pools: got %v, want demo", pools)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestFailedUpdateLeavesNothingAndSparesItsNeighbours(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "broker.db"))
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				if err := tx.AddIdentity(identity(n)); err != nil {
					return err
				}
				if n%5 == 0 {
					return boom
				}
				if n%7 == 0 {
					panic("in a write")
				}
				return nil
			})
			if failed := n%5 == 0 || n%7 == 0; (err != nil) != failed {
				t.Errorf("write %d: got %v", n, err)
			}
		})
	}
	wg.Wait()
	s.View(t.Context(), func(tx *store.Tx) error {
		for n := range 200 {
			_, ok, err := tx.Identity(identity(n).ID)
			if want := n%5 != 0 && n%7 != 0; ok != want || err != nil {
				t.Errorf("identity %d: got there %v %v, want %v", n, ok, err, want)
			}
		}
		return nil
	})
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.db")
	s := open(t, path)
	if _, err := store.Open(t.Context(), path); !errors.Is(err, store.ErrInUse) {
		t.Errorf("second open: got %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("write after Close: got %v, want ErrClosed", err)
	}
	open(t, path)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.db")
	open(t, path).Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("got %v, want ErrNewerSchema", err)
	}
}

func TestFileIsPrivateAndSafe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.db")
	s := open(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode of the store: got %o, want 600", got)
	}
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			got, err := tx.Pragma(pragma)
			if err == nil && got != want {
				t.Errorf("PRAGMA %s of the writer: got %s, want %s", pragma, got, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestUpdateWhoseAskerLeftBeforeIsNotRun(t *testing.T) {
	s := open(t, store.InMemory)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, func(tx *store.Tx) error { return tx.AddIdentity(identity(1)) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
