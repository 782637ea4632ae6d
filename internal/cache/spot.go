package cache

import (
	"context"
	"time"
)

// A Spot is where a fleet keeps an entry that an answer was made from. It is safe
// for concurrent use.
type Spot interface {
	// Look returns what stands there now, if that rests on the very epochs that the
	// entry did and these are the present ones; nil otherwise. All of it was read
	// after the call began. It waits no longer than until the deadline of ctx, and
	// fails with ErrFleet.
	Look(ctx context.Context) (*Glimpse, error)
}

// Glimpse is an entry as it was seen in the fleet's store, for one answer. Its texts
// are part of a buffer that is used again: nothing of them outlives Release. It
// prints as a placeholder.
type Glimpse struct {
	IdentityID, AccessKeyID, SecretKey, SessionToken []byte

	Expires, Issued time.Time

	release func()
}

// NewGlimpse returns an empty one, whose owner takes it back by release.
func NewGlimpse(release func()) *Glimpse { return &Glimpse{release: release} }

// Release gives the buffer back. The glimpse must not be used afterwards.
func (g *Glimpse) Release() { g.release() }

// Of reports whether the entry is that one: of the same exchange.
func (g *Glimpse) Of(e *Entry) bool {
	return g.Issued.Equal(e.Issued) && g.Expires.Equal(e.Credentials.Expires)
}

// String, GoString and MarshalJSON keep secrets out of logs and test output.
func (Glimpse) String() string               { return redacted }
func (Glimpse) GoString() string             { return redacted }
func (Glimpse) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
