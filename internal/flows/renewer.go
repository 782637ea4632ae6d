package flows

import (
	"context"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// renewers bounds the renewals under way: a person who waits comes before them.
const renewers = 16

// memorySchedule are the entries that are renewed ahead, each with the call that its
// last client made. Calls hold his tokens, so they stay in memory and end with
// their entry.
type memorySchedule struct {
	schedule *cache.Schedule
	limit    int
	mu       sync.Mutex
	by       map[cache.Key]scheduledRenewal
	homes    homeCounts
}

type scheduledRenewal struct {
	entry *cache.Entry
	sub   query
}

func newMemorySchedule(limit int) *memorySchedule {
	return &memorySchedule{
		schedule: cache.NewSchedule(), limit: limit, by: map[cache.Key]scheduledRenewal{}, homes: homeCounts{},
	}
}

// put schedules an entry, replacing the call of an earlier client.
func (r *memorySchedule) put(e *cache.Entry, q query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.by[q.key]; !known && (len(r.by) >= r.limit || !r.homes.add(q.scope)) {
		return
	}
	r.by[q.key] = scheduledRenewal{entry: e, sub: q}
	r.schedule.Put(q.key, e.NextRenewal())
}

// take returns an entry that is due and forgets it; whoever is served from it
// again schedules it again.
func (r *memorySchedule) take(key cache.Key) (scheduledRenewal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, ok := r.by[key]
	if ok {
		delete(r.by, key)
		r.homes.remove(taken.sub.scope)
	}
	return taken, ok
}

// scheduleRenewal has an entry renewed when it is due, where that needs nobody's
// consent: a renewal never links, so calls with several logins are left alone.
func (s *Service) scheduleRenewal(e *cache.Entry, q query) {
	switch {
	case !q.renewable || e.RenewalEnded():
	case s.Schedule != nil:
		if e.Stamp.Stands() {
			s.usageReports.record(e, q, s.Now())
		}
	case e.Stamp.Valid():
		s.renewals.put(e, q)
	}
}

// Run renews entries ahead until ctx ends, or Close: those that were asked for lately, or
// twice since they were brought. It leaves idle ones to expire. In a fleet it also settles
// changes of pools whose broker died.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	if s.Shared != nil {
		running.Go(func() { s.takeOverChanges(ctx) })
	}
	if s.Schedule != nil {
		return s.runFleet(ctx)
	}
	free := make(chan struct{}, renewers)
	for {
		keys := s.renewals.schedule.Wait(ctx, s.Now)
		if ctx.Err() != nil {
			return nil
		}
		for _, key := range keys {
			r, ok := s.renewals.take(key)
			if !ok || !s.isWanted(r) {
				continue
			}
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			if !s.goBackground(func() { defer func() { <-free }(); s.renew(r) }) {
				return nil
			}
		}
	}
}

// isWanted decides about an entry whose time has come. One that is not due after
// all, for a later serve or a failure moved its time, is put back.
func (s *Service) isWanted(r scheduledRenewal) bool {
	now := s.Now()
	if !r.entry.Live(now) || r.entry.RenewalEnded() {
		return false
	}
	if now.Before(r.entry.NextRenewal()) {
		s.renewals.put(r.entry, r.sub)
		return false
	}
	if !r.sub.expires.IsZero() && !now.Before(r.sub.expires) {
		return false // the client's token has expired; he will bring another
	}
	return r.entry.Usage().Wanted(now, r.entry.Life(), s.RenewIdle)
}

// renewAhead starts a renewal behind an client when one is due and the schedule
// has not come to it. He has his answer already.
func (s *Service) renewAhead(now time.Time, entry *cache.Entry, q query) {
	if now.Before(entry.NextRenewal()) || entry.RenewalEnded() || !q.renewable {
		return
	}
	if s.Schedule != nil {
		s.lookAhead(now, entry, q)
		return
	}
	s.goBackground(func() { s.renew(scheduledRenewal{entry: entry, sub: q}) })
}

// lookAgainIn is a window in which a broker looks again for what another has renewed.
var lookAgainIn = backOff{5 * time.Second, 15 * time.Second}

// lookAhead looks behind an client for what the fleet has made of an entry whose
// renewal is due.
func (s *Service) lookAhead(now time.Time, entry *cache.Entry, q query) {
	if !entry.TryPostponeRenewal(now, lookAgainIn.after(now, s.Random())) || s.Memory.Off() {
		return // without memory each client looks for himself
	}
	s.goBackground(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
		defer cancel()
		s.lookUpFleet(ctx, &q)
	})
}

// renew makes one renewal. Epochs are read again just before: the entry must
// still stand.
func (s *Service) renew(r scheduledRenewal) {
	entry, q := r.entry, r.sub
	q.old, q.ahead = entry, true
	// Until this one ends, others who see it due leave it alone.
	if !entry.TryPostponeRenewal(s.Now(), s.Now().Add(s.Timeout)) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	defer cancel()
	q.readEpochs(s.Epochs)
	if !entry.Stamp.Valid() {
		return
	}
	if s.Shared != nil {
		stamp, err := s.Shared.Stamp(ctx, q.stamp)
		if err != nil || !entry.Stamp.Stands() {
			return
		}
		q.stamp = stamp
	}
	if q.Flow == flowDeveloper {
		// What the renewal asks differs from what its client did: neither may it
		// link, nor is its refusal his.
		q.request, q.links = q.forRenewal(entry.Credentials.IdentityID), false
		q.tokens = s.Names.Key("tokens", "renewal")
	}
	fresh, err := s.exchange(ctx, q)
	if err != nil {
		s.renewalFailed(ctx, entry, q, err)
		s.scheduleRenewal(entry, q)
		return
	}
	s.Observer.Renewal("ok")
	fresh.InheritLastAsked(entry.LastAsked())
	s.scheduleRenewal(fresh, q)
}
