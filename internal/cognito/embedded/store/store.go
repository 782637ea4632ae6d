// Package store keeps the engine's pools, identities and logins in one SQLite
// file (modernc, no cgo): write-ahead log, synchronous=FULL, one writer with
// group commit. What Update acknowledged survives kill -9 and power loss.
//
// It decides nothing: rules say what to write, constraints of the schema make
// sure that no login ever belongs to two identities.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// InMemory as a path keeps nothing beyond the process.
const InMemory = ":memory:"

// ErrInUse says that another process has the store open for writing.
var ErrInUse = errors.New("the store is in use by another process")

// ErrClosed is returned by calls on a closed store.
var ErrClosed = errors.New("the store is closed")

const (
	readers      = 4
	busyTimeout  = 5 * time.Second
	openDeadline = 30 * time.Second
)

// Store is an open store. It is safe for concurrent use.
type Store struct {
	write  *sql.DB
	read   *sql.DB
	lock   *flock.Flock // nil in memory
	writer *writer
}

// Open opens or makes the store at path and brings its schema up to date. It
// fails with ErrInUse when another process writes to it, and with ErrNewerSchema
// when a newer broker made it.
func Open(ctx context.Context, path string) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, openDeadline)
	defer cancel()
	s := &Store{}
	if err := s.open(ctx, path); err != nil {
		_ = s.closeFiles()
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s.writer = startWriter(s.write)
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	if path != InMemory {
		if err := s.claim(path); err != nil {
			return err
		}
	}
	var err error
	if s.write, err = sql.Open("sqlite", dsn(path, "_txlock=immediate")); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	s.write.SetMaxIdleConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	if path == InMemory {
		s.read = s.write // another connection would be another, empty database
		return nil
	}
	if s.read, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return nil
}

// claim makes the file's folder, takes the writer's lock and sees to it that
// nobody else can read the file: it may hold the built-in STS's key.
func (s *Store) claim(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	if !locked {
		return ErrInUse
	}
	s.lock = lock
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// OpenReader opens a store for reading alone, also while a broker writes to it.
// It fails where there is none, with ErrNewerSchema where a newer broker made it,
// and with ErrOlderSchema where an older one did and no broker has opened it since.
func OpenReader(ctx context.Context, path string) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, openDeadline)
	defer cancel()
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{writer: refusing()}
	var err error
	if s.read, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)&mode=ro")); err == nil {
		s.read.SetMaxOpenConns(readers)
		err = present(ctx, s.read)
	}
	if err != nil {
		_ = s.closeFiles()
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return s, nil
}

func dsn(path, option string) string {
	q := "?_pragma=busy_timeout(" + fmt.Sprint(busyTimeout.Milliseconds()) + ")" +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + option
	if path == InMemory {
		return path + q
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + q
}

// View runs fn on one consistent state of the store. fn must not keep tx.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error {
	t, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: s.read != s.write})
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	defer t.Rollback()
	return fn(&Tx{ctx: ctx, q: t})
}

// Update runs fn in a write of its own and returns once it is durable. Writes
// that come together share a commit. When fn fails nothing of it is kept. It fails
// with *Unwritable where the store takes no writes, whatever fn does. When
// ctx ends first its error is returned and the outcome is unknown: the write
// may still happen. fn may run on another goroutine; it must not keep tx, call
// the store or block.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	return s.writer.do(ctx, fn)
}

// Close ends the writer after the writes under way and closes the files.
func (s *Store) Close() error {
	s.writer.stop()
	return s.closeFiles()
}

func (s *Store) closeFiles() error {
	var errs []error
	if s.read != nil && s.read != s.write {
		errs = append(errs, s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}
