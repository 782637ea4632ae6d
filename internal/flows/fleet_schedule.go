package flows

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
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
	// unclaimedFor is how long a renewal was up, at least, that came up while nobody claimed any.
	unclaimedFor = 30 * time.Second
)

// connectivity is whether the fleet's schedule can be reached.
type connectivity struct {
	lost     atomic.Bool
	regained atomic.Int64 // when, in Unix nanoseconds
}

// fleetSchedule is the schedule that the brokers of a fleet share. Any of them may claim a renewal,
// by the call that is kept in Redis for it.
type fleetSchedule struct {
	*Config
	usage        *usageReports
	connectivity connectivity
	short        bool // fewer had come up last than were asked for; of claim alone
}

func newFleetSchedule(c *Config) *fleetSchedule {
	return &fleetSchedule{Config: c, usage: newUsageReports(c.RenewIdle, c.MaxRenewals)}
}

// run reports usage until ctx ends.
func (f *fleetSchedule) run(ctx context.Context) {
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.usage.woken:
		case <-sweep.C:
			f.usage.sweep(f.Now())
		}
		for ctx.Err() == nil && f.reportOnce(ctx) {
		}
	}
}

// reportOnce makes one report, and returns whether there was something to report.
func (f *fleetSchedule) reportOnce(ctx context.Context) bool {
	reports := f.usage.nextReports(f.Now())
	if len(reports) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	shared, err := f.Schedule.ReportUsage(ctx, reports)
	if err != nil {
		shared = nil
	}
	f.usage.recordAnswers(reports, shared)
	return true
}

// record has the use of an entry reported.
func (f *fleetSchedule) record(e *cache.Entry, q query) {
	if q.renewable && !e.RenewalEnded() && e.Stamp.Stands() {
		f.usage.record(e, q, f.Now())
	}
}

// claim looks about once a second, and at once where the last look found as many as it may.
func (f *fleetSchedule) claim(ctx context.Context, n int) []renewal {
	if f.short && !f.pauseClaiming(ctx) {
		return nil
	}
	claimed := f.claimNow(ctx, n)
	f.short = len(claimed) < n
	return claimed
}

// pauseClaiming waits until it is time to look again, and reports whether ctx lasts.
func (f *fleetSchedule) pauseClaiming(ctx context.Context) bool {
	timer := time.NewTimer(claimInterval/2 + time.Duration(f.Random()*float64(claimInterval)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// claimNow claims up to n renewals; none where the fleet cannot be reached.
func (f *fleetSchedule) claimNow(ctx context.Context, n int) (claimed []renewal) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	got, err := f.Schedule.ClaimRenewals(ctx, n, f.Timeout+claimMargin)
	if err != nil {
		f.connectivity.lost.Store(true)
		return nil
	}
	if f.connectivity.lost.CompareAndSwap(true, false) {
		f.connectivity.regained.Store(f.Now().UnixNano())
	}
	f.Observer.Queue(len(got.Claimed), got.Length, got.Overdue)
	for _, c := range got.Claimed {
		claimed = append(claimed, renewal{claim: c})
	}
	return claimed
}

// load reads the epochs and the entry: it must still stand, and what renews it be of the same
// epochs.
func (f *fleetSchedule) load(ctx context.Context, r *renewal) (ok bool, err error) {
	c := &r.claim
	if r.q, ok = f.queryOf(c.Request); !ok {
		return false, nil
	}
	r.q.readEpochs(f.Epochs)
	found, err := f.Shared.Find(ctx, r.q.key, r.q.stamp, f.Epochs.Read, false)
	if err != nil {
		return false, err
	}
	now := f.Now()
	r.entry, r.q.stamp = found.Entry, found.Stamp
	if r.entry == nil || !r.entry.Stands(now) || !c.Request.Under(r.entry.Stamp) {
		return false, nil
	}
	r.usage, _ = c.Usage.UsageOf(r.entry)
	r.due = c.Usage.NextRenewal(r.entry, c.Request.Until)
	// Nobody claimed renewals for a while, and much has come up: one after the other.
	regained := time.Unix(0, f.connectivity.regained.Load())
	r.overdue = now.Sub(c.Due) > unclaimedFor && now.Sub(regained) < calmAfterOutage
	return true, nil
}

// queryOf is the query of the call that a renewal request holds.
func (f *fleetSchedule) queryOf(m *cache.RenewalRequest) (query, bool) {
	if m == nil {
		return query{}, false
	}
	call, ok := decodeProved(m.Call)
	if !ok || !f.serves(call.request.Pool) || call.settings != f.settings(call.request.Pool, call.logins) {
		return query{}, false // that of other settings is for those who go by them
	}
	q := query{request: call.request, key: m.Key, scope: m.Home, renewable: true}
	q.settings, q.logins, q.expires = call.settings, call.logins, m.Until
	q.tokens = f.Names.Key("tokens", tokenFields(q.Logins)...)
	if q.Flow == flowDeveloper {
		q.tokens = f.Names.Key("tokens", "renewal") // its refusal is nobody's
	}
	return q, true
}

// settle reports what an exchange came to, and says when the renewal comes up again; otherwise the
// claim lapses.
func (f *fleetSchedule) settle(r *renewal, o outcome) {
	if o.dropped != "" {
		f.Observer.Renewal(o.dropped)
	}
	at, entry := o.next, r.entry
	switch {
	case o.fresh != nil:
		entry = o.fresh
		shared := f.report(cache.UsageReport{Entry: entry, Call: r.claim.Request.Call, Until: r.q.expires}, r.q.key)
		at = shared.NextRenewal(entry, r.q.expires)
	case !o.notBefore.IsZero():
		f.report(cache.UsageReport{Entry: entry, NotBefore: o.notBefore}, r.q.key)
		at = o.notBefore
	}
	if entry != nil && !at.Before(entry.Credentials.Expires) {
		at = time.Time{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	_ = f.Schedule.SettleRenewal(ctx, r.claim, at)
}

// report tells the fleet what a claimed renewal came to.
func (f *fleetSchedule) report(r cache.UsageReport, key cache.Key) cache.SharedUsage {
	r.Key, r.Claimed = key, true
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	shared, err := f.Schedule.ReportUsage(ctx, []cache.UsageReport{r})
	if err != nil {
		return cache.SharedUsage{}
	}
	return shared[0]
}
