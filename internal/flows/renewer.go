package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

const (
	// maxRenewing bounds the renewals under way: a person who waits comes before them.
	maxRenewing = 16
	// stepTimeout bounds the steps before and after an exchange.
	stepTimeout = 2 * time.Second
	// dueAgain is how soon at least a renewal comes up again that was not due yet: Redis's clock may
	// be ahead of this broker's.
	dueAgain = 5 * time.Second
	// calmAfterOutage is over how long renewals are spread that came up while nobody made any.
	calmAfterOutage = 2 * time.Minute
)

// renewal is one that has come up.
type renewal struct {
	q     query        // the call that is made once more
	entry *cache.Entry // what it renews
	usage cache.Usage  // of the entry, as far as the schedule knows
	due   time.Time    // when it is due by that usage
	// overdue says that it came up in an outage, as many others did.
	overdue bool
	claim   cache.RenewalClaim // of the fleet's schedule
}

// outcome is what came of a renewal; the zero outcome is that it never comes up again.
type outcome struct {
	fresh *cache.Entry // what it brought; nil: nothing
	// next is when it comes up again, and notBefore when at the earliest, for the exchange failed.
	// An exchange that was refused for good may never be made again: that is the entry's end.
	next, notBefore time.Time
	dropped         string // why no exchange was made, as the metrics name it
}

// schedule says which renewals come up: memorySchedule in a process that is alone, fleetSchedule in
// a fleet. It is safe for concurrent use.
type schedule interface {
	// record has an entry renewed that is served to the maker of a call, when it is due.
	record(e *cache.Entry, q query)
	// claim takes up to n renewals that have come up. It waits for the first for a while, or until
	// ctx ends.
	claim(ctx context.Context, n int) []renewal
	// load reads what a claimed renewal needs. ok is false where there is nothing to renew any more.
	// It fails with cache.ErrFleet; the claim lapses then.
	load(ctx context.Context, r *renewal) (ok bool, err error)
	// settle ends a claim.
	settle(r *renewal, o outcome)
}

// exchanger is what the renewer needs of those who serve.
type exchanger interface {
	exchange(ctx context.Context, q query) (*cache.Entry, error)
	lookUpFleet(ctx context.Context, q *query) *cache.Entry
	end(ctx context.Context, e *cache.Entry, q query)
}

// renewer makes the renewals that its schedule says are due. It is safe for concurrent use.
type renewer struct {
	*Config
	*background
	schedule
	serving exchanger
}

// run makes renewals until ctx ends, or the background's work is ended.
func (r *renewer) run(ctx context.Context) {
	free := make(chan struct{}, maxRenewing)
	for {
		places := takeSlots(ctx, free)
		if places == 0 {
			return
		}
		claimed := r.claim(ctx, places)
		for n := range places {
			if n >= len(claimed) || !r.start(func() { defer func() { <-free }(); r.decide(claimed[n]) }) {
				<-free
			}
		}
	}
}

// takeSlots takes the slots that are free, at least one; none when ctx ends.
func takeSlots(ctx context.Context, free chan struct{}) (taken int) {
	select {
	case free <- struct{}{}:
		taken++
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case free <- struct{}{}:
			taken++
		default:
			return taken
		}
	}
}

// decide makes a renewal that has come up, if it is wanted, and settles when the next comes up.
// Where the fleet cannot be reached, the claim lapses.
func (r *renewer) decide(d renewal) {
	ctx, cancel := context.WithTimeout(context.Background(), r.Timeout)
	defer cancel()
	ok, err := r.load(ctx, &d)
	switch {
	case err != nil:
		return
	case !ok:
		r.settle(&d, outcome{dropped: "gone"})
		return
	}
	if o, renew := r.verdict(&d); !renew {
		r.settle(&d, o)
		return
	}
	r.renew(ctx, d)
}

// verdict decides about a renewal that has come up: to make it, or what becomes of it otherwise.
// A usage that is reported later moves it again.
func (r *renewer) verdict(d *renewal) (o outcome, renew bool) {
	now, life := r.Now(), d.entry.Life()
	switch {
	case now.Before(d.due):
		next := now.Add(dueAgain)
		if d.due.After(next) {
			next = d.due
		}
		return outcome{next: next}, false
	case !d.q.expires.IsZero() && !now.Before(d.q.expires):
		return outcome{dropped: "gone"}, false // its client's token has expired; he will bring another
	case !d.usage.Wanted(now, life, r.RenewIdle):
		return outcome{dropped: "idle"}, false
	case d.overdue:
		return outcome{next: now.Add(time.Duration(r.Random() * float64(calmAfterOutage)))}, false
	}
	return outcome{}, true
}

// renew makes a renewal, unless another is under way here.
func (r *renewer) renew(ctx context.Context, d renewal) {
	// Until this one ends, others who see it due leave it alone.
	if now := r.Now(); !d.entry.TryPostponeRenewal(now, now.Add(r.Timeout)) {
		return
	}
	d.q.old, d.q.ahead = d.entry, true
	fresh, err := r.serving.exchange(ctx, d.q)
	if err != nil {
		notBefore, ended := r.failed(d.entry, d.q, err)
		r.settle(&d, outcome{notBefore: notBefore})
		if ended {
			r.serving.end(context.Background(), d.entry, d.q)
		}
		return
	}
	r.Observer.Renewal("ok")
	fresh.InheritLastAsked(d.entry.LastAsked())
	r.settle(&d, outcome{fresh: fresh})
}

// failed records that an exchange for an entry failed, and returns when its renewal may be tried
// again. A passing failure puts it off, the longer the less it matters. A lasting one ends it, and
// the entry must end too: whatever the backend refuses for good, it would not have brought. A
// refusal of a token that expired meanwhile says nothing of the entry, for a fresh token may follow.
func (r *renewer) failed(entry *cache.Entry, q query, err error) (notBefore time.Time, ended bool) {
	now := r.Now()
	if cognito.Passing(err) {
		r.Observer.Renewal("failed")
		ahead := backOff{300 * time.Second, 600 * time.Second} // nobody waits, what is cached has its floor left
		waiting := backOff{time.Second, 5 * time.Second}       // clients are served less than their floor meanwhile
		notBefore = ahead.after(now, r.Random())
		entry.PostponeRenewal(notBefore)
		entry.BlockExchanges(waiting.after(now, r.Random()))
		return notBefore, false
	}
	r.Observer.Renewal("refused")
	if !q.expires.IsZero() && !now.Before(q.expires) {
		return time.Time{}, false
	}
	entry.EndRenewal()
	return entry.Credentials.Expires, true
}

// ahead makes a renewal behind a client whose answer is there already, where one is due that the
// schedule has not come to. In a fleet it looks for what another broker has renewed.
func (r *renewer) ahead(now time.Time, entry *cache.Entry, q query) {
	if now.Before(entry.NextRenewal()) || entry.RenewalEnded() || !q.renewable {
		return
	}
	if r.Schedule == nil {
		r.start(func() {
			ctx, cancel := context.WithTimeout(context.Background(), r.Timeout)
			defer cancel()
			d := renewal{q: q, entry: entry}
			if ok, err := r.load(ctx, &d); ok && err == nil {
				r.renew(ctx, d)
			}
		})
		return
	}
	again := backOff{5 * time.Second, 15 * time.Second} // another broker has renewed it, or will
	if !entry.TryPostponeRenewal(now, again.after(now, r.Random())) || r.Memory.Off() {
		return // without memory each client looks for himself
	}
	r.start(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
		defer cancel()
		r.serving.lookUpFleet(ctx, &q)
	})
}

// backOff is a window in which the next try after a passing failure falls.
type backOff struct{ from, to time.Duration }

func (b backOff) after(now time.Time, random float64) time.Time {
	return now.Add(b.from + time.Duration(random*float64(b.to-b.from)))
}
