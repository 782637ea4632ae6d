package flows

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Schedule is when the entries of a fleet are renewed. Its methods fail with
// cache.ErrFleet.
type Schedule interface {
	// ReportUsage tells of the use of entries, and has their renewal come up when it is
	// due. The answers are in the order of the reports.
	ReportUsage(ctx context.Context, reports []cache.UsageReport) ([]cache.SharedUsage, error)
	// ClaimRenewals claims up to n renewals that have come up, for as long as that.
	ClaimRenewals(ctx context.Context, n int, lasting time.Duration) (cache.RenewalClaims, error)
	// SettleRenewal ends a claim: the renewal comes up again then, or with a zero time not.
	SettleRenewal(ctx context.Context, c cache.RenewalClaim, at time.Time) error
}

const (
	// claimMargin is how much longer a claim lasts than a renewal may take.
	claimMargin = 10 * time.Second
	// claimInterval is how often this broker looks for what has come up.
	claimInterval = time.Second
	// stepTimeout bounds the steps after an exchange.
	stepTimeout = 2 * time.Second
	// claimedEarly is how soon a renewal comes up again that is not due yet: Redis's clock may
	// be ahead of this broker's.
	claimedEarly = 5 * time.Second
	// claimedLate is how long a renewal has been up that no broker claimed, and calmAfterOutage how
	// long after an outage such renewals are spread, and over how long.
	claimedLate     = 30 * time.Second
	calmAfterOutage = 2 * time.Minute
)

// connectivity is whether the fleet's schedule can be reached.
type connectivity struct {
	lost     atomic.Bool
	regained atomic.Int64 // when it was regained last, in Unix nanoseconds
}

// runFleet tells the fleet what is used here, and makes renewals of the fleet's
// schedule, until ctx ends or Close is called.
func (s *Service) runFleet(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { s.reportUsage(ctx) })
	running.Go(func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	s.renewClaims(ctx)
	return nil
}

// renewClaims claims renewals as there are renewers free, until ctx ends.
func (s *Service) renewClaims(ctx context.Context) {
	s.connectivity.regained.Store(s.Now().UnixNano())
	free := make(chan struct{}, renewers)
	for {
		places := takeSlots(ctx, free)
		if places == 0 {
			return
		}
		claimed := s.claim(ctx, places)
		for n := range places {
			if n >= len(claimed) || !s.goBackground(func() { defer func() { <-free }(); s.renewClaimed(claimed[n]) }) {
				<-free
			}
		}
		if len(claimed) < places && !s.pauseClaiming(ctx) {
			return
		}
	}
}

// takeSlots takes the places that are free, at least one; none when ctx ends.
func takeSlots(ctx context.Context, free chan struct{}) (places int) {
	select {
	case free <- struct{}{}:
		places++
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case free <- struct{}{}:
			places++
		default:
			return places
		}
	}
}

// pauseClaiming waits until it is time to look again, and reports whether ctx lasts.
func (s *Service) pauseClaiming(ctx context.Context) bool {
	timer := time.NewTimer(claimInterval/2 + time.Duration(s.Random()*float64(claimInterval)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// claim claims up to n renewals; none where the fleet cannot be reached.
func (s *Service) claim(ctx context.Context, n int) []cache.RenewalClaim {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	got, err := s.Schedule.ClaimRenewals(ctx, n, s.Timeout+claimMargin)
	if err != nil {
		s.connectivity.lost.Store(true)
		return nil
	}
	if s.connectivity.lost.CompareAndSwap(true, false) {
		s.connectivity.regained.Store(s.Now().UnixNano())
	}
	s.Observer.Queue(len(got.Claimed), got.Length, got.Overdue)
	return got.Claimed
}

// renewClaimed makes one renewal of the fleet's schedule, if it is wanted, and says
// when the next comes up. Where the fleet cannot be reached, the claim lapses.
func (s *Service) renewClaimed(c cache.RenewalClaim) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
	defer cancel()
	next, err := s.tryRenewal(ctx, &c)
	if err != nil {
		return
	}
	ctx, cancel = context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	_ = s.Schedule.SettleRenewal(ctx, c, next) // else the claim lapses
}

// tryRenewal renews what was claimed, and returns when the next renewal comes up; a
// zero time is never. It reads the epochs again just before: the entry must still
// stand, and what renews it be of the same epochs.
func (s *Service) tryRenewal(ctx context.Context, c *cache.RenewalClaim) (next time.Time, err error) {
	q, ok := s.reviveRequest(c.Request)
	if !ok {
		s.Observer.Renewal("gone")
		return time.Time{}, nil
	}
	q.readEpochs(s.Epochs)
	found, err := s.Shared.Find(ctx, q.key, q.stamp, s.Epochs.Read, false)
	if err != nil {
		return time.Time{}, err
	}
	entry := found.Entry
	if entry == nil || !entry.Stands(s.Now()) || !c.Request.Under(entry.Stamp) {
		s.Observer.Renewal("gone")
		return time.Time{}, nil
	}
	if next, renew := s.verdict(c, entry); !renew {
		return next, nil
	}
	q.stamp, q.old = found.Stamp, entry
	fresh, err := s.exchange(ctx, q)
	if err != nil {
		return s.failedAhead(q, entry, err), nil
	}
	s.Observer.Renewal("ok")
	told := s.report(
		cache.UsageReport{Key: q.key, Entry: fresh, Call: c.Request.Call, Until: c.Request.Until, Claimed: true},
	)
	return beforeEnd(told.NextRenewal(fresh, c.Request.Until), fresh), nil
}

// beforeEnd is a time before the entry's end, or never.
func beforeEnd(at time.Time, e *cache.Entry) time.Time {
	if !at.Before(e.Credentials.Expires) {
		return time.Time{}
	}
	return at
}

// verdict decides about an entry whose renewal has come up: to renew it, or when it
// comes up again; a zero time is never. What is reported later moves it again.
func (s *Service) verdict(c *cache.RenewalClaim, e *cache.Entry) (next time.Time, renew bool) {
	now := s.Now()
	if next := c.Usage.NextRenewal(e, c.Request.Until); now.Before(next) {
		if soon := now.Add(claimedEarly); next.Before(soon) {
			next = soon
		}
		return beforeEnd(next, e), false
	}
	use, _ := c.Usage.UsageOf(e)
	switch {
	case !c.Request.Until.IsZero() && !now.Before(c.Request.Until):
		s.Observer.Renewal("gone")
		return time.Time{}, false
	case !use.Wanted(now, e.Life(), s.RenewIdle):
		s.Observer.Renewal("idle")
		return time.Time{}, false
	case now.Sub(c.Due) > claimedLate && now.Sub(time.Unix(0, s.connectivity.regained.Load())) < calmAfterOutage:
		// Nobody attended to the schedule, and much has come up: one after the other.
		return now.Add(time.Duration(s.Random() * float64(calmAfterOutage))), false
	}
	return time.Time{}, true
}

// failedAhead notes a renewal of entry that failed, and returns when the next comes
// up; a zero time is never.
func (s *Service) failedAhead(q query, entry *cache.Entry, err error) time.Time {
	now := s.Now()
	report := cache.UsageReport{Key: q.key, Entry: entry, NotBefore: entry.Credentials.Expires, Claimed: true}
	if cognito.Passing(err) {
		s.Observer.Renewal("failed")
		report.NotBefore = backOffAhead.after(now, s.Random())
		s.report(report)
		return beforeEnd(report.NotBefore, entry)
	}
	s.Observer.Renewal("refused")
	if !q.expires.IsZero() && !now.Before(q.expires) {
		return time.Time{} // of the token, which expired meanwhile
	}
	s.report(report)
	_ = s.Fence(context.Background(), q.scope) // what fails goes on in the background
	return time.Time{}
}

// report tells the fleet what a renewal came to.
func (s *Service) report(r cache.UsageReport) cache.SharedUsage {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	told, err := s.Schedule.ReportUsage(ctx, []cache.UsageReport{r})
	if err != nil {
		return cache.SharedUsage{}
	}
	return told[0]
}

// reviveRequest makes a query of the call that a renewal request holds.
func (s *Service) reviveRequest(m *cache.RenewalRequest) (query, bool) {
	if m == nil {
		return query{}, false
	}
	call, ok := decodeProved(m.Call)
	if !ok || !s.serves(call.request.Pool) || call.settings != s.settings(call.request.Pool, call.logins) {
		return query{}, false // that of other settings is for those who go by them
	}
	q := query{request: call.request, key: m.Key, scope: m.Home, renewable: true, ahead: true}
	q.settings, q.logins, q.expires, q.tokens = call.settings, call.logins, m.Until, s.Names.Key(
		"tokens", tokenFields(q.Logins)...,
	)
	if q.Flow == flowDeveloper {
		q.tokens = s.Names.Key("tokens", "renewal") // its refusal is nobody's
	}
	return q, true
}
