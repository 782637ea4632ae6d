package cache

import (
	"slices"
	"time"
)

// Material is what is kept beside an entry, sealed, to renew it without its
// askers. It prints as a placeholder.
type Material struct {
	// Key is the entry's; Home and Pool are the first scopes of its stamp.
	Key        Key
	Home, Pool Scope
	// Call is the call that brought the entry, as the user of the cache spells it.
	Call []byte
	// Until is when the call's tokens expire; zero: it has none that do.
	Until time.Time
	// Epochs are those that the entry was stamped with when it was kept.
	Epochs []Epoch
}

// String, GoString and MarshalJSON keep tokens out of logs and test output.
func (*Material) String() string               { return "[material]" }
func (*Material) GoString() string             { return "[material]" }
func (*Material) MarshalJSON() ([]byte, error) { return []byte(`"[material]"`), nil }

// Under reports whether the material was kept under the epochs of the stamp: no
// fence came between it and what is stamped.
func (m *Material) Under(stamp Stamp) bool {
	_, epochs := stamp.Shared()
	return slices.Equal(m.Epochs, epochs)
}

// Report is what a process tells the fleet of an entry's use.
type Report struct {
	Key   Key
	Entry *Entry
	Use   Use
	// Call and Until are those of the material, to be kept where the fleet has none
	// that lasts longer; without a Call, what it has is left.
	Call  []byte
	Until time.Time
	// NotBefore is when a renewal may be made again after one failed; zero: at once;
	// the entry's end: none is made.
	NotBefore time.Time
	// Claimed says that the reporter holds the claim on the entry's renewal: when it
	// is due is for Settle to say.
	Claimed bool
}

// Lapses is when material for an entry with tokens until then lapses: never later
// than either.
func Lapses(e *Entry, until time.Time) time.Time {
	if until.IsZero() || e.Credentials.Expires.Before(until) {
		return e.Credentials.Expires
	}
	return until
}

// Told is what the fleet knows of an entry after a report. The zero Told says that
// nothing is kept: the entry was fenced, or its home has too many already.
type Told struct {
	Issued    time.Time // of the newest entry that was reported, to the millisecond
	Use       Use       // of that one, by all processes
	NotBefore time.Time
	Lapses    time.Time // of the material that is kept; zero: none is
}

// Of is what is known of the use of e, which may be another entry than the one
// that was reported last: of that it is only known when it was asked for.
func (t *Told) Of(e *Entry) (Use, time.Time) {
	if t.Issued.UnixMilli() != e.Issued.UnixMilli() {
		return Use{Asked: t.Use.Asked}, time.Time{}
	}
	return t.Use, t.NotBefore
}

// Next is when the renewal of e may be made by material until then: when it is due
// and no failure forbids it any more. It never is where that is e's end.
func (t *Told) Next(e *Entry, until time.Time) time.Time {
	use, notBefore := t.Of(e)
	if due := use.Due(e, until); due.After(notBefore) {
		return due
	}
	return notBefore
}

// Claim is an entry whose renewal has come up, and which this process has claimed:
// nobody else gets it before the claim lapses.
type Claim struct {
	// Member and Mark tell the fleet which claim is settled.
	Member string
	Mark   string
	// Due is when it came up.
	Due time.Time
	// Material is nil where none is kept any more.
	Material *Material
	Told     Told
}

// Claims are what a process claimed at once, and how the schedule stood before.
type Claims struct {
	Claimed []Claim
	Length  int           // of the whole schedule
	Overdue time.Duration // of the first in it; zero: none was due
}
