package flows

import (
	"context"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

const (
	// tellAtOnce bounds the entries of one report.
	tellAtOnce = 256
	// tellWithin bounds how long a report takes.
	tellWithin = 2 * time.Second
	// tellAgain is when a report is made again that failed.
	tellAgain = 30 * time.Second
	// sweepEvery is how often hand-outs are looked for that nobody noted: those from
	// the memo.
	sweepEvery = time.Minute
	// fresher is how much longer tokens must last to replace others.
	fresher = time.Minute
)

// uses are the entries that this broker hands out and the fleet renews, with what
// the fleet was told of their use: the first and the second hand-out, a larger
// floor, fresher tokens, and then one hand-out now and then. What is lost of it costs
// a renewal, or has one made that nobody needs. It is safe for concurrent use.
type uses struct {
	idle  time.Duration // after which an entry is not renewed
	limit int
	woken chan struct{}

	mu    sync.Mutex
	by    map[cache.Key]*used
	homes homes
	queue []cache.Key // to be told; each is there once
}

// used is an entry in use.
type used struct {
	entry *cache.Entry
	home  cache.Scope
	// before are hand-outs of the same credentials from other copies of the entry:
	// where memory does not keep it, each asker has his own.
	before int64
	// call is that of the asker whose tokens last longest, until then; zero: for
	// ever.
	call   proved
	until  time.Time
	queued bool

	told   cache.Usage // what the fleet knows since it was told last
	at     time.Time   // that was; zero: it was not
	failed bool        // the telling
	lapses time.Time   // of the material that the fleet is known to keep
}

func newUses(idle time.Duration, limit int) *uses {
	return &uses{idle: idle, limit: limit, woken: make(chan struct{}, 1), by: map[cache.Key]*used{}, homes: homes{}}
}

// note notes that an entry was handed out to whoever made a call.
func (u *uses) note(e *cache.Entry, sub subject, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.by[sub.key]
	if one == nil {
		if len(u.by) >= u.limit || !u.homes.enter(sub.scope) {
			return
		}
		one = &used{home: sub.scope, call: sub.proved(), until: sub.expires}
		u.by[sub.key] = one
	}
	if one.entry != nil && !one.entry.Issued.Equal(e.Issued) {
		one.told, one.at, one.failed, one.lapses, one.before = cache.Usage{}, time.Time{}, false, time.Time{}, 0
	} else if one.entry != nil && one.entry != e {
		one.before += one.entry.Serves()
	}
	one.entry = e
	if outlasts(sub.expires, one.until) {
		one.call, one.until = sub.proved(), sub.expires
	}
	u.enqueue(sub.key, one, now)
}

// outlasts reports whether tokens that expire at a are fresher than those at b; zero
// is never.
func outlasts(a, b time.Time) bool { return !b.IsZero() && (a.IsZero() || a.After(b)) }

// enqueue has an entry told where there is something to tell.
func (u *uses) enqueue(key cache.Key, one *used, now time.Time) {
	if one.queued || !one.tells(now, u.idle) {
		return
	}
	one.queued = true
	u.queue = append(u.queue, key)
	select {
	case u.woken <- struct{}{}:
	default:
	}
}

// tells reports whether the entry's use is worth telling.
func (one *used) tells(now time.Time, idle time.Duration) bool {
	if one.failed {
		return now.Sub(one.at) >= tellAgain
	}
	use := one.use()
	if one.at.IsZero() || use.Serves > 1 && one.told.Serves < 2 || use.Floor > one.told.Floor || one.brings(now) {
		return true
	}
	return one.matters(idle) && use.AskedAt.After(one.told.AskedAt) && now.Sub(one.at) >= idle/5
}

// use is what this broker knows of the entry's use.
func (one *used) use() cache.Usage {
	use := one.entry.Usage()
	use.Serves += one.before
	return use
}

// matters reports whether one more hand-out can change when the entry is renewed:
// not where the fleet knows of two, unless its askers are expected back by the last,
// or what renews it is due while this one was still lately.
func (one *used) matters(idle time.Duration) bool {
	life := one.entry.Life()
	return one.told.Serves < 2 || one.told.Expected(life) || cache.Earliest(life) < idle
}

// brings reports whether the entry's material is better than what the fleet keeps.
func (one *used) brings(now time.Time) bool {
	lapses := cache.RequestExpiry(one.entry, one.until)
	return lapses.After(now) && lapses.Sub(one.lapses) > fresher
}

// sweep has those told whose hand-outs nobody noted, and forgets what ended.
func (u *uses) sweep(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, one := range u.by {
		if !one.entry.Stands(now) {
			delete(u.by, key)
			u.homes.leave(one.home)
			continue
		}
		u.enqueue(key, one, now)
	}
}

// take takes reports off the queue.
func (u *uses) take(now time.Time) (reports []cache.UsageReport) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for ; n < len(u.queue) && len(reports) < tellAtOnce; n++ {
		key := u.queue[n]
		one := u.by[key]
		if one == nil {
			continue
		}
		one.queued = false
		r := cache.UsageReport{Key: key, Entry: one.entry, Usage: one.use(), Until: one.until}
		if one.brings(now) {
			call := one.call
			call.request = call.request.renewal(one.entry.Credentials.IdentityID)
			r.Call, one.lapses = call.spell(), cache.RequestExpiry(one.entry, one.until)
		}
		one.told, one.at, one.failed = r.Usage, now, false
		reports = append(reports, r)
	}
	u.queue = append(u.queue[:0], u.queue[n:]...)
	return reports
}

// answered notes what came of reports.
func (u *uses) answered(reports []cache.UsageReport, told []cache.SharedUsage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, r := range reports {
		one := u.by[r.Key]
		if one == nil || one.entry != r.Entry {
			continue
		}
		switch {
		case told == nil:
			one.failed, one.lapses = true, time.Time{}
		case !told[i].Issued.IsZero():
			one.lapses = told[i].RequestExpires
			if told[i].Issued.UnixMilli() == r.Entry.Issued.UnixMilli() {
				one.told = told[i].Usage
			}
		}
	}
}

// tell makes one report, and reports whether there was something to report.
func (s *Service) tell(ctx context.Context) bool {
	reports := s.uses.take(s.Now())
	if len(reports) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	told, err := s.Schedule.ReportUsage(ctx, reports)
	if err != nil {
		told = nil
	}
	s.uses.answered(reports, told)
	return true
}

// tellUses tells the fleet what is used here until ctx ends.
func (s *Service) tellUses(ctx context.Context) {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.uses.woken:
		case <-sweep.C:
			s.uses.sweep(s.Now())
		}
		for ctx.Err() == nil && s.tell(ctx) {
		}
	}
}
