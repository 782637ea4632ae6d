package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// renewals is what serving needs of the renewer.
type renewals interface {
	record(e *cache.Entry, q query)
	ahead(now time.Time, entry *cache.Entry, q query)
	failed(entry *cache.Entry, q query, err error) (notBefore time.Time, ended bool)
}

// server serves from the cache, and from exchanges whose answers it caches. It is safe for
// concurrent use.
type server struct {
	*Config
	fences   fences
	owners   *loginOwners
	queries  *queryMaker
	calls    *backendCalls
	renewals renewals
	flights  cache.Flights[flightResult]
}

// entryFor returns an entry that may be served to this client, from the cache or by an exchange,
// and sets the outcome in the request's CallInfo.
func (s *server) entryFor(ctx context.Context, q query) (*cache.Entry, error) {
	info, now := callInfoOf(ctx), s.Now()
	enough := func(e *cache.Entry) bool {
		return e.Credentials.Expires.Sub(now) >= s.Floors.floor(q.Pool, info, e.Life())
	}
	entry := s.lookUp(ctx, &q, enough)
	if entry == nil {
		entry = s.awaitSuspended(ctx, &q)
	}
	if entry == nil {
		fresh, known, err := s.exchangeOrAwait(ctx, q)
		switch {
		case err != nil:
			return nil, err
		case known && !enough(fresh):
			return s.serve(info, q, fresh, Stale), nil // the backend gave nothing better
		case known:
			return s.serve(info, q, fresh, Hit), nil
		}
		return s.serve(info, q, fresh, Miss), nil
	}
	if enough(entry) {
		s.renewals.ahead(now, entry, q)
		return s.serve(info, q, entry, Hit), nil
	}
	if entry.ExchangesBlocked(now) {
		return s.serve(info, q, entry, Stale), nil
	}
	q.old = entry
	fresh, err := s.exchange(ctx, q)
	if err == nil {
		s.Observer.Renewal("ok")
		return s.serve(info, q, fresh, Miss), nil
	}
	if _, ended := s.renewals.failed(entry, q, err); ended {
		s.end(ctx, entry, q)
	}
	if cognito.Passing(err) && entry.Stands(s.Now()) {
		return s.serve(info, q, entry, Stale), nil
	}
	return nil, err
}

// lookUp is the best entry that there is for a client. The fleet is asked where this
// broker has none, or none that is enough for him.
func (s *server) lookUp(ctx context.Context, q *query, enough func(*cache.Entry) bool) *cache.Entry {
	outcome := func(e *cache.Entry) string {
		if enough(e) {
			return "hit"
		}
		return "low"
	}
	entry, ok := s.Memory.Get(q.key)
	if !ok {
		s.Observer.Lookup("memory", "miss")
		entry = nil
	} else if s.Observer.Lookup("memory", outcome(entry)); enough(entry) {
		return entry
	}
	found := s.lookUpFleet(ctx, q)
	if found == nil {
		return entry
	}
	s.Observer.Lookup("redis", outcome(found))
	return found
}

// lookUpFleet looks for an entry that another broker may have brought, and learns
// the epochs under which an exchange may be stored.
func (s *server) lookUpFleet(ctx context.Context, q *query) *cache.Entry {
	if s.Shared == nil {
		return nil
	}
	entry, err := s.readFleet(ctx, q)
	if err != nil {
		s.Observer.Lookup("redis", "failed")
	} else if entry == nil {
		s.Observer.Lookup("redis", "miss")
	}
	return entry
}

// readFleet is what the fleet has for a call, or nil. It fails with cache.ErrFleet.
func (s *server) readFleet(ctx context.Context, q *query) (*cache.Entry, error) {
	q.fenced = false
	if s.Shared == nil {
		return nil, nil
	}
	found, err := s.Shared.Find(ctx, q.key, q.stamp, s.Epochs.Read, q.namesPool())
	if err != nil {
		return nil, err
	}
	q.stamp, q.fenced, q.newPool = found.Stamp, found.Fenced, found.Unmet
	if found.Entry == nil || !found.Entry.Stands(s.Now()) {
		return nil, nil
	}
	return s.promote(q.key, found.Entry), nil
}

// promote keeps an entry of the fleet in memory too, and returns the one that all
// clients here share.
func (s *server) promote(key cache.Key, found *cache.Entry) *cache.Entry {
	s.Memory.Put(key, found)
	if entry, ok := s.Memory.Get(key); ok {
		return entry
	}
	return found
}

// entryRef is where the fleet keeps an entry.
func (s *server) entryRef(e *cache.Entry, key cache.Key) cache.EntryRef {
	if s.Shared == nil {
		return nil
	}
	return s.Shared.Ref(key, e.Stamp)
}

// serve records that the entry is served, and says until when the answer may be repeated.
func (s *server) serve(info *CallInfo, q query, e *cache.Entry, outcome Outcome) *cache.Entry {
	now := s.Now()
	floor := s.Floors.floor(q.Pool, info, e.Life())
	e.RecordServe(now, floor)
	s.Observer.Remaining(e.Credentials.Expires.Sub(now))
	info.Outcome = outcome
	info.RefreshAfter = e.RefreshAfter(floor)
	if outcome != Stale {
		info.Condition = &cache.MemoCondition{
			Entry: e, Floor: floor, Proofs: q.proofs, Ref: s.entryRef(e, q.key), Renewed: q.renewable,
		}
	}
	s.renewals.record(e, q)
	return e
}
