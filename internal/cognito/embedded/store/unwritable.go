package store

import (
	"errors"
	"slices"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Unwritable says that the store did not take a write that is in order: the disk is
// full, say, or broken. It passes.
type Unwritable struct{ cause error }

func (u *Unwritable) Error() string { return "the store takes no writes: " + u.cause.Error() }

// Unwrap gives what SQLite says.
func (u *Unwritable) Unwrap() error { return u.cause }

// faults are SQLite's codes for what is wrong with the file, whatever is written.
var faults = []int{
	sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT,
}

// unwritable reports whether a write failed for such a reason, rather than for one
// of its own.
func unwritable(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && slices.Contains(faults, e.Code()&0xff) // without what the extended code adds
}

// Writable reports whether the store took the last write.
func (s *Store) Writable() bool { return !s.writer.failing.Load() }
