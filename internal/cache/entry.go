package cache

import (
	"sync/atomic"
	"time"
)

// Credentials are what an exchange brought. They print as a placeholder.
type Credentials struct {
	IdentityID   string
	AccessKeyID  string
	SecretKey    string
	SessionToken string
	Expires      time.Time
}

const redacted = "[credentials]"

// String, GoString and MarshalJSON keep secrets out of logs and test output.
func (Credentials) String() string               { return redacted }
func (Credentials) GoString() string             { return redacted }
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Entry is a set of credentials in the cache with what is known of its use.
// Credentials, Issued and Stamp never change once the entry is stored; the rest
// is atomic. Do not copy it.
type Entry struct {
	Credentials Credentials
	// Issued is when the exchange brought them.
	Issued time.Time
	// Stamp is of the epochs read before that exchange began.
	Stamp Stamp
	// Jitter in [0,1) moves this entry's renewal within its window.
	Jitter float64

	serves    atomic.Int64 // since the exchange
	servedAt  atomic.Int64 // unix nanoseconds of the last time that it was served
	inherited atomic.Int64 // unix nanoseconds, see Inherit
	floor     atomic.Int64 // largest floor of the requests, nanoseconds
	retryAt   atomic.Int64 // unix nanoseconds; no renewal ahead before
	heldUntil atomic.Int64 // unix nanoseconds; no exchange for those who wait before
	ended     atomic.Bool  // a lasting refusal ended its renewal
}

// Compact is the credentials with their texts in one piece of memory, for those that are
// kept: apart each takes up to a tenth more than it is long.
func (c Credentials) Compact() Credentials {
	all := c.IdentityID + c.AccessKeyID + c.SecretKey + c.SessionToken
	for _, text := range []*string{&c.IdentityID, &c.AccessKeyID, &c.SecretKey, &c.SessionToken} {
		n := len(*text)
		*text, all = all[:n], all[n:]
	}
	return c
}

// Life is the granted life of the credentials.
func (e *Entry) Life() time.Duration { return e.Credentials.Expires.Sub(e.Issued) }

// Live reports whether the entry may be served at all: its epochs stand and its
// credentials have not expired.
func (e *Entry) Live(now time.Time) bool {
	return now.Before(e.Credentials.Expires) && e.Stamp.Valid()
}

// suspended reports whether the entry may be served again, should the fences that are open
// be cancelled.
func (e *Entry) suspended(now time.Time) bool {
	return now.Before(e.Credentials.Expires) && e.Stamp.Suspended()
}

// Stands reports whether the entry may be served to a caller for whom it was found:
// its credentials have not expired, and nobody told this process of a fence.
func (e *Entry) Stands(now time.Time) bool {
	return now.Before(e.Credentials.Expires) && e.Stamp.Stands()
}

// RecordServe notes that a caller with that floor was served.
func (e *Entry) RecordServe(now time.Time, floor time.Duration) {
	e.serves.Add(1)
	e.servedAt.Store(now.UnixNano())
	for {
		old := e.floor.Load()
		if int64(floor) <= old || e.floor.CompareAndSwap(old, int64(floor)) {
			return
		}
	}
}

// RefreshAfter is when a caller with that floor should come back: when it is
// reached, or at once if it was already.
func (e *Entry) RefreshAfter(floor time.Duration) time.Time {
	at := e.Credentials.Expires.Add(-floor)
	if at.Before(e.Issued) {
		return e.Issued
	}
	return at
}

// LastServed is when the entry was served last; zero if never.
func (e *Entry) LastServed() time.Time { return timeOf(e.servedAt.Load()) }

// Serves is how often the entry was served.
func (e *Entry) Serves() int64 { return e.serves.Load() }

// InheritLastAsked takes over when anyone asked last for what e renews. That does not count as serving it
// of e, and moves no renewal of it.
func (e *Entry) InheritLastAsked(asked time.Time) {
	if !asked.IsZero() {
		e.inherited.Store(asked.UnixNano())
	}
}

// LastAsked is when this entry, or the one that it renewed, was served last; zero
// if never.
func (e *Entry) LastAsked() time.Time { return timeOf(max(e.servedAt.Load(), e.inherited.Load())) }

// MaxFloor is the largest floor of those who were served.
func (e *Entry) MaxFloor() time.Duration { return time.Duration(e.floor.Load()) }

// PostponeRenewal forbids renewals ahead until t, after an exchange failed.
func (e *Entry) PostponeRenewal(t time.Time) { e.retryAt.Store(t.UnixNano()) }

// TryPostponeRenewal is PostponeRenewal for whoever comes first: it reports false, and changes
// nothing, where a renewal is forbidden now.
func (e *Entry) TryPostponeRenewal(now, t time.Time) bool {
	old := e.retryAt.Load()
	return now.UnixNano() >= old && e.retryAt.CompareAndSwap(old, t.UnixNano())
}

// NextRenewal is when a renewal ahead may be made: when it is due and nothing
// forbids it any more.
func (e *Entry) NextRenewal() time.Time {
	due, retry := e.Due(), time.Unix(0, e.retryAt.Load())
	if retry.After(due) {
		return retry
	}
	return due
}

// BlockExchanges spares the backend, until t, exchanges for those whom what is left does
// not suffice, after one failed.
func (e *Entry) BlockExchanges(t time.Time) { e.heldUntil.Store(t.UnixNano()) }

// ExchangesBlocked reports whether Hold forbids such an exchange now.
func (e *Entry) ExchangesBlocked(now time.Time) bool { return now.UnixNano() < e.heldUntil.Load() }

// EndRenewal stops renewal after a lasting refusal. The entry itself may live on.
func (e *Entry) EndRenewal() { e.ended.Store(true) }

// RenewalEnded reports whether EndRenewal was called.
func (e *Entry) RenewalEnded() bool { return e.ended.Load() }
