package flows

import (
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

const (
	// reportsAtOnce bounds the entries of one report.
	reportsAtOnce = 256
	// reportRetry is when a report is made again that failed.
	reportRetry = 30 * time.Second
	// sweepInterval is how often serves are looked for that came past record: those from the memo.
	sweepInterval = time.Minute
	// fresherBy is how much longer tokens must last to replace others.
	fresherBy = time.Minute
)

// usageReports are the entries that this broker serves and the fleet renews, with what was reported
// of their use: the first and the second serve, a larger floor, fresher tokens, and then one serve
// now and then. A report that is lost costs a renewal, or has one made that nobody needs. It is safe
// for concurrent use.
type usageReports struct {
	idle  time.Duration // after which an entry is not renewed
	limit int
	woken chan struct{}

	mu    sync.Mutex
	by    map[cache.Key]*entryUse
	homes homeCounts
	queue []cache.Key // to be reported; each is there once
}

// entryUse is an entry in use.
type entryUse struct {
	entry *cache.Entry
	home  cache.Scope
	// earlierServes are serves of the same credentials from other copies of the entry:
	// where memory does not keep it, each client has his own.
	earlierServes int64
	// call is that of the client whose tokens last longest, until then; zero: for ever. It is
	// nil once the fleet keeps it: it is large, and of it one is enough.
	call   *provedRequest
	until  time.Time
	queued bool

	reported       cache.Usage // what the fleet knows since the last report
	reportedAt     time.Time   // when that was; zero: never
	failed         bool        // the last report
	requestExpires time.Time   // of the renewal request that the fleet is known to keep
}

func newUsageReports(idle time.Duration, limit int) *usageReports {
	return &usageReports{
		idle: idle, limit: limit, woken: make(chan struct{}, 1), by: map[cache.Key]*entryUse{}, homes: homeCounts{},
	}
}

// record records that an entry was served to the maker of a call.
func (u *usageReports) record(e *cache.Entry, q query, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.by[q.key]
	if one == nil {
		if len(u.by) >= u.limit || !u.homes.add(q.scope) {
			return
		}
		one = &entryUse{home: q.scope}
		u.by[q.key] = one
	}
	if one.entry != nil && !one.entry.Issued.Equal(e.Issued) {
		one.reported, one.reportedAt, one.failed = cache.Usage{}, time.Time{}, false
		one.requestExpires, one.earlierServes = time.Time{}, 0
	} else if one.entry != nil && one.entry != e {
		one.earlierServes += one.entry.Serves()
	}
	one.entry = e
	if one.wantsCall(q.expires) {
		call := q.proved()
		one.call, one.until = &call, q.expires
	}
	u.enqueue(q.key, one, now)
}

// wantsCall reports whether a call with tokens until then is better than what there is, here or
// in the fleet.
func (one *entryUse) wantsCall(until time.Time) bool {
	if one.call != nil {
		return outlasts(until, one.until)
	}
	return cache.RequestExpiry(one.entry, until).Sub(one.requestExpires) > fresherBy
}

// outlasts reports whether tokens that expire at a are fresher than those at b; zero
// is never.
func outlasts(a, b time.Time) bool { return !b.IsZero() && (a.IsZero() || a.After(b)) }

// enqueue has the use of an entry reported where there is something new.
func (u *usageReports) enqueue(key cache.Key, one *entryUse, now time.Time) {
	if one.queued || !one.worthReporting(now, u.idle) {
		return
	}
	one.queued = true
	u.queue = append(u.queue, key)
	select {
	case u.woken <- struct{}{}:
	default:
	}
}

// worthReporting reports whether the entry's use has something new that matters.
func (one *entryUse) worthReporting(now time.Time, idle time.Duration) bool {
	if one.failed {
		return now.Sub(one.reportedAt) >= reportRetry
	}
	use := one.usage()
	switch {
	case one.reportedAt.IsZero(), use.Serves > 1 && one.reported.Serves < 2, use.Floor > one.reported.Floor,
		one.hasFresherRequest(now):
		return true
	}
	return one.affectsRenewal(idle) && use.AskedAt.After(one.reported.AskedAt) && now.Sub(one.reportedAt) >= idle/5
}

// usage is what this broker knows of the entry's use.
func (one *entryUse) usage() cache.Usage {
	use := one.entry.Usage()
	use.Serves += one.earlierServes
	return use
}

// affectsRenewal reports whether one more serve can change when the entry is renewed:
// not where the fleet knows of two, unless its clients are expected back by the last,
// or its renewal is due while this serve still counts as lately.
func (one *entryUse) affectsRenewal(idle time.Duration) bool {
	life := one.entry.Life()
	return one.reported.Serves < 2 || one.reported.Expected(life) || cache.Earliest(life) < idle
}

// hasFresherRequest reports whether the entry's renewal request is better than what the fleet keeps.
func (one *entryUse) hasFresherRequest(now time.Time) bool {
	lapses := cache.RequestExpiry(one.entry, one.until)
	return one.call != nil && lapses.After(now) && lapses.Sub(one.requestExpires) > fresherBy
}

// sweep enqueues entries that were served past record, and forgets those that ended.
func (u *usageReports) sweep(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, one := range u.by {
		if !one.entry.Stands(now) {
			delete(u.by, key)
			u.homes.remove(one.home)
			continue
		}
		u.enqueue(key, one, now)
	}
}

// nextReports takes reports off the queue.
func (u *usageReports) nextReports(now time.Time) (reports []cache.UsageReport) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for ; n < len(u.queue) && len(reports) < reportsAtOnce; n++ {
		key := u.queue[n]
		one := u.by[key]
		if one == nil {
			continue
		}
		one.queued = false
		r := cache.UsageReport{Key: key, Entry: one.entry, Usage: one.usage(), Until: one.until}
		if one.hasFresherRequest(now) {
			call := *one.call
			call.request = call.request.forRenewal(one.entry.Credentials.IdentityID)
			r.Call, one.requestExpires = call.encode(), cache.RequestExpiry(one.entry, one.until)
		}
		one.reported, one.reportedAt, one.failed = r.Usage, now, false
		reports = append(reports, r)
	}
	u.queue = append(u.queue[:0], u.queue[n:]...)
	return reports
}

// recordAnswers records what came of reports; no answers means that they failed.
func (u *usageReports) recordAnswers(reports []cache.UsageReport, told []cache.SharedUsage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, r := range reports {
		one := u.by[r.Key]
		if one == nil || one.entry != r.Entry {
			continue
		}
		switch {
		case told == nil:
			one.failed, one.requestExpires = true, time.Time{}
		case !told[i].Issued.IsZero():
			one.requestExpires = told[i].RequestExpires
			if !one.hasFresherRequest(time.Time{}) {
				one.call = nil
			}
			if told[i].Issued.UnixMilli() == r.Entry.Issued.UnixMilli() {
				one.reported = told[i].Usage
			}
		}
	}
}
