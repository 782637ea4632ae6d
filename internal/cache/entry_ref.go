package cache

import (
	"context"
	"time"
)

// An EntryRef is where a fleet keeps an entry that an answer was made from. It is safe
// for concurrent use.
type EntryRef interface {
	// Read returns what stands there now, if that rests on the very epochs that the
	// entry did and these are the present ones; nil otherwise. All of it was read
	// after the call began. It waits no longer than until the deadline of ctx, and
	// fails with ErrFleet.
	Read(ctx context.Context) (*EntryView, error)
}

// EntryView is an entry as it was seen in the fleet's store, for one answer. Its texts
// are part of a buffer that is used again: nothing of them outlives Release. It
// prints as a placeholder.
type EntryView struct {
	IdentityID, AccessKeyID, SecretKey, SessionToken []byte

	Expires, Issued time.Time

	release func()
}

// NewEntryView returns an empty one, whose owner takes it back by release.
func NewEntryView(release func()) *EntryView { return &EntryView{release: release} }

// Release gives the buffer back. The view must not be used afterwards.
func (g *EntryView) Release() { g.release() }

// IsOf reports whether the entry is that one: of the same exchange.
func (g *EntryView) IsOf(e *Entry) bool {
	return g.Issued.Equal(e.Issued) && g.Expires.Equal(e.Credentials.Expires)
}

// String, GoString and MarshalJSON keep secrets out of logs and test output.
func (EntryView) String() string               { return redacted }
func (EntryView) GoString() string             { return redacted }
func (EntryView) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
