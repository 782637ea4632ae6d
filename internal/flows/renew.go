package flows

import (
	"context"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// renewers bounds the renewals under way: a person who waits comes before them.
const renewers = 16

// renewals are the entries that are renewed ahead, each with the call that its
// last asker made. Calls hold his tokens, so they stay in memory and end with
// their entry.
type renewals struct {
	schedule *cache.Schedule
	limit    int
	mu       sync.Mutex
	by       map[cache.Key]renewal
	homes    homes
}

type renewal struct {
	entry *cache.Entry
	sub   subject
}

func newRenewals(limit int) *renewals {
	return &renewals{schedule: cache.NewSchedule(), limit: limit, by: map[cache.Key]renewal{}, homes: homes{}}
}

// put schedules an entry, replacing the call of an earlier asker.
func (r *renewals) put(e *cache.Entry, sub subject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.by[sub.key]; !known && (len(r.by) >= r.limit || !r.homes.enter(sub.scope)) {
		return
	}
	r.by[sub.key] = renewal{entry: e, sub: sub}
	r.schedule.Put(sub.key, e.NextRenewal())
}

// take returns an entry that is due and forgets it; whoever is served from it
// again schedules it again.
func (r *renewals) take(key cache.Key) (renewal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, ok := r.by[key]
	if ok {
		delete(r.by, key)
		r.homes.leave(taken.sub.scope)
	}
	return taken, ok
}

// schedule has an entry renewed when it is due, where that needs nobody's
// consent: a renewal never links, so calls with several logins are left alone.
func (s *Service) schedule(e *cache.Entry, sub subject) {
	switch {
	case !sub.renewable || e.RenewalEnded():
	case s.Schedule != nil:
		if e.Stamp.Stands() {
			s.uses.note(e, sub, s.Now())
		}
	case e.Stamp.Valid():
		s.renewals.put(e, sub)
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
		running.Go(func() { s.attendToDoubts(ctx) })
	}
	if s.Schedule != nil {
		return s.runShared(ctx)
	}
	free := make(chan struct{}, renewers)
	for {
		keys := s.renewals.schedule.Wait(ctx, s.Now)
		if ctx.Err() != nil {
			return nil
		}
		for _, key := range keys {
			r, ok := s.renewals.take(key)
			if !ok || !s.wanted(r) {
				continue
			}
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			if !s.behind(func() { defer func() { <-free }(); s.renew(r) }) {
				return nil
			}
		}
	}
}

// wanted decides about an entry whose time has come. One that is not due after
// all, for a later hand-out or a failure moved its time, is put back.
func (s *Service) wanted(r renewal) bool {
	now := s.Now()
	if !r.entry.Live(now) || r.entry.RenewalEnded() {
		return false
	}
	if now.Before(r.entry.NextRenewal()) {
		s.renewals.put(r.entry, r.sub)
		return false
	}
	if !r.sub.expires.IsZero() && !now.Before(r.sub.expires) {
		return false // the asker's token has expired; he will bring another
	}
	return r.entry.Usage().Wanted(now, r.entry.Life(), s.RenewIdle)
}

// renewAhead starts a renewal behind an asker when one is due and the schedule
// has not come to it. He has his answer already.
func (s *Service) renewAhead(now time.Time, entry *cache.Entry, sub subject) {
	if now.Before(entry.NextRenewal()) || entry.RenewalEnded() || !sub.renewable {
		return
	}
	if s.Schedule != nil {
		s.lookAhead(now, entry, sub)
		return
	}
	s.behind(func() { s.renew(renewal{entry: entry, sub: sub}) })
}

// lookAgain is a window in which a broker looks again for what another has renewed.
var lookAgain = backOff{5 * time.Second, 15 * time.Second}

// lookAhead looks behind an asker for what the fleet has made of an entry whose
// renewal is due.
func (s *Service) lookAhead(now time.Time, entry *cache.Entry, sub subject) {
	if !entry.TryPostponeRenewal(now, lookAgain.after(now, s.Random())) || s.Memory.Off() {
		return // without memory each asker looks for himself
	}
	s.behind(func() {
		ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
		defer cancel()
		s.fromFleet(ctx, &sub)
	})
}

// renew makes one renewal. Epochs are read again just before: the entry must
// still stand.
func (s *Service) renew(r renewal) {
	entry, sub := r.entry, r.sub
	sub.old, sub.ahead = entry, true
	// Until this one ends, others who see it due leave it alone.
	if !entry.TryPostponeRenewal(s.Now(), s.Now().Add(s.Timeout)) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	defer cancel()
	sub.readEpochs(s.Epochs)
	if !entry.Stamp.Valid() {
		return
	}
	if s.Shared != nil {
		stamp, err := s.Shared.Stamp(ctx, sub.stamp)
		if err != nil || !entry.Stamp.Stands() {
			return
		}
		sub.stamp = stamp
	}
	if sub.Flow == flowDeveloper {
		// What the renewal asks differs from what its asker did: neither may it
		// link, nor is its refusal his.
		sub.request, sub.links = sub.renewal(entry.Credentials.IdentityID), false
		sub.tokens = s.Names.Key("tokens", "renewal")
	}
	fresh, err := s.exchange(ctx, sub)
	if err != nil {
		s.failed(ctx, entry, sub, err)
		s.schedule(entry, sub)
		return
	}
	s.Observer.Renewal("ok")
	fresh.InheritLastAsked(entry.LastAsked())
	s.schedule(fresh, sub)
}
