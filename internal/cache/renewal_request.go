package cache

import (
	"slices"
	"time"
)

// RenewalRequest is what is kept beside an entry, sealed, to renew it without its
// callers. It prints as a placeholder.
type RenewalRequest struct {
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
func (*RenewalRequest) String() string               { return "[renewal request]" }
func (*RenewalRequest) GoString() string             { return "[renewal request]" }
func (*RenewalRequest) MarshalJSON() ([]byte, error) { return []byte(`"[renewal request]"`), nil }

// Under reports whether the renewal request was kept under the epochs of the stamp: no
// fence came between it and what is stamped.
func (m *RenewalRequest) Under(stamp Stamp) bool {
	_, epochs := stamp.Shared()
	return slices.Equal(m.Epochs, epochs)
}

// UsageReport is what a process tells the fleet of an entry's use.
type UsageReport struct {
	Key   Key
	Entry *Entry
	Usage Usage
	// Call and Until are those of the renewal request, to be kept where the fleet has none
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

// RequestExpiry is when a renewal request for an entry with tokens until then lapses: never later
// than either.
func RequestExpiry(e *Entry, until time.Time) time.Time {
	if until.IsZero() || e.Credentials.Expires.Before(until) {
		return e.Credentials.Expires
	}
	return until
}

// SharedUsage is what the fleet knows of an entry after a report. The zero value says that
// nothing is kept: the entry was fenced, or its home scope has too many already.
type SharedUsage struct {
	Issued         time.Time // of the newest entry that was reported, to the millisecond
	Usage          Usage     // of that one, by all processes
	NotBefore      time.Time
	RequestExpires time.Time // of the renewal request that is kept; zero: none is
}

// UsageOf is what is known of the use of e, which may be another entry than the one
// that was reported last: of that it is only known when it was asked for.
func (t *SharedUsage) UsageOf(e *Entry) (Usage, time.Time) {
	if t.Issued.UnixMilli() != e.Issued.UnixMilli() {
		return Usage{AskedAt: t.Usage.AskedAt}, time.Time{}
	}
	return t.Usage, t.NotBefore
}

// NextRenewal is when the renewal of e may be made by a renewal request until then: when it is due
// and no failure forbids it any more. It never is where that is e's end.
func (t *SharedUsage) NextRenewal(e *Entry, until time.Time) time.Time {
	use, notBefore := t.UsageOf(e)
	if due := use.Due(e, until); due.After(notBefore) {
		return due
	}
	return notBefore
}

// RenewalClaim is an entry whose renewal has come up, and which this process has claimed:
// nobody else gets it before the claim lapses.
type RenewalClaim struct {
	// ID and Token tell the fleet which claim is settled.
	ID    string
	Token string
	// Due is when it came up.
	Due time.Time
	// RenewalRequest is nil where none is kept any more.
	Request *RenewalRequest
	Usage   SharedUsage
}

// RenewalClaims are what a process claimed at once, and how the schedule stood before.
type RenewalClaims struct {
	Claimed []RenewalClaim
	Length  int           // of the whole schedule
	Overdue time.Duration // of the first in it; zero: none was due
}
