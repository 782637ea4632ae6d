package flows

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
)

// errExpired marks credentials that arrived without life; it is passing.
var errExpired = errors.New("the exchange brought expired credentials")

// answer is what a backend brought.
type answer struct {
	credentials cache.Credentials
	// also is of epochs that were read within the exchange, before the part of it
	// that brought the credentials; nil: none.
	also *cache.Stamp
	// merged are identities that lost a merge in the exchange, where the backend
	// tells.
	merged []cache.Scope
}

// flightResult is what a flight ends with. A refusal travels inside, with the tokens
// that earned it: clients with others try their own.
type flightResult struct {
	entry   *cache.Entry
	refusal error
	tokens  cache.Key
}

// exchange brings credentials in a flight that clients of the same key and epoch
// share. It fails with the backend's error, or with the client's own deadline.
func (s *server) exchange(ctx context.Context, q query) (*cache.Entry, error) {
	work := func(ctx context.Context) (flightResult, error) { return s.fleetExchange(ctx, q) }
	b, led, err := s.flights.Do(ctx, q.key, q.stamp, s.Timeout, work)
	if !led {
		s.Observer.Flight(joinedOrLeft(err, ctx.Err()))
	}
	if err == nil && b.refusal != nil && b.tokens != q.tokens {
		b, err = work(ctx)
	}
	if err == nil {
		err = b.refusal
	}
	return b.entry, err
}

// exchangeOnce makes one exchange, within a fence if it may link, and stores what it
// brought. The caller has a slot.
func (s *server) exchangeOnce(ctx context.Context, q query) (*cache.Entry, error) {
	if q.links {
		return s.exchangeLinking(ctx, q)
	}
	quiet := s.beginQuietPeriod()
	defer quiet.end()
	entry, got, err := s.fetch(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.newPool {
		scopes := append([]cache.Scope{q.scope, q.poolScope()}, q.loginScopes()...)
		if q.stamp = quiet.stamp(ctx, scopes...); !q.stamp.Agreed() {
			s.presentStamp(ctx, scopes...) // there is such a pool: what the next call brings is kept
		}
	}
	known := s.owners.recordOwnerUnder(ctx, q.stamp, q.Pool, got.credentials.IdentityID, q.logins)
	if q.Identity != "" && got.credentials.IdentityID != q.Identity {
		return entry, s.fences.Fence(ctx, q.scope) // the identity of the call was merged into another
	}
	entry.Stamp = q.stamp
	if got.also != nil {
		entry.Stamp = cache.JoinStamps(entry.Stamp, *got.also)
	}
	if known {
		s.store(ctx, q.key, entry)
	}
	return entry, nil
}

// exchangeLinking makes an exchange that may link a login. What it brings itself is the newest there
// is for its identities, if nothing else moved them meanwhile.
func (s *server) exchangeLinking(ctx context.Context, q query) (entry *cache.Entry, err error) {
	affected := q.fenceScopes()
	predicted, err := s.fences.predict(ctx, &affected, q.input())
	if err != nil {
		s.calls.countExchange(q.Flow, err)
		return nil, err
	}
	var got answer
	stamp, err := s.fences.change(ctx, affected, predicted, func(ctx context.Context, fenced []cache.Scope) (err error) {
		if q.changes = fenced; fenced == nil {
			q.links = false
			entry, err = s.exchangeOnce(ctx, q)
			return err
		}
		if entry, got, err = s.fetch(ctx, q); err == nil {
			s.owners.recordOwner(ctx, q.Pool, got.credentials.IdentityID, q.logins)
		}
		return err
	})
	switch {
	case q.changes == nil:
		return entry, err
	case err != nil:
		return nil, err
	}
	return entry, s.storeLinked(ctx, q, entry, got, stamp)
}

// storeLinked stores what an exchange within a fence brought, under the epochs that began after it.
func (s *server) storeLinked(ctx context.Context, q query, entry *cache.Entry, got answer, stamp cache.Stamp) error {
	key, home, ok := s.storedAs(q, got.credentials.IdentityID)
	if !ok {
		return s.fences.Fence(ctx, q.scope) // the identity of the call was merged into another
	}
	entry.Stamp = cache.JoinStamps(stamp.Only(home), q.stamp.Only(q.poolScope()))
	for _, login := range q.loginScopes() {
		entry.Stamp = cache.JoinStamps(entry.Stamp, stamp.Only(login))
	}
	if identity := cache.IdentityScope(got.credentials.IdentityID); got.also != nil {
		entry.Stamp = cache.JoinStamps(entry.Stamp, *got.also)
	} else if identity != home {
		entry.Stamp = cache.JoinStamps(entry.Stamp, stamp.Only(identity))
	}
	if home != q.scope { // the client's next call names again whom this one named
		entry.Stamp = cache.JoinStamps(entry.Stamp, stamp.Only(q.scope))
	}
	s.store(ctx, key, entry)
	return nil
}

// fetch asks the backend, and ends what it says that it ended besides.
func (s *server) fetch(ctx context.Context, q query) (*cache.Entry, answer, error) {
	issued := s.Now()
	got, err := s.calls.perform(ctx, q.request, q.changes)
	if err == nil && !got.credentials.Expires.After(s.Now()) {
		err = errExpired
	}
	s.calls.countExchange(q.Flow, err)
	s.endDisowned(ctx, q.fenceScopes(), err)
	if beyond := without(got.merged, q.changes); len(beyond) > 0 {
		err = cmp.Or(err, s.fences.Fence(ctx, beyond...)) // also where what came after the merge failed
	}
	if err != nil {
		return nil, got, err
	}
	return &cache.Entry{Credentials: got.credentials.Compact(), Issued: issued, Jitter: s.Random()}, got, nil
}

// store stores an entry, here and for the fleet.
func (s *server) store(ctx context.Context, key cache.Key, entry *cache.Entry) {
	s.Memory.Put(key, entry)
	if s.Shared != nil && s.Shared.Store(ctx, key, entry) != nil {
		s.Observer.Lookup("redis", "unkept")
	}
}

// storedAs is the key under which an answer for that identity is kept, and the
// scope that it is stored with. One for another than the call names, which it
// became or was merged into, is kept where the fence around the call covered it; of
// others no epoch was read before: they are served and not kept.
func (s *server) storedAs(q query, answered string) (key cache.Key, home cache.Scope, ok bool) {
	if q.Identity == "" || answered == q.Identity {
		return q.key, q.scope, true
	}
	home = cache.IdentityScope(answered)
	if q.Flow == flowDeveloper || !slices.Contains(q.changes, home) {
		return cache.Key{}, "", false
	}
	q.Identity = answered
	return s.queries.keyOf(q.evidence, q.request), home, true
}

// end ends an entry that the backend would not bring any more, here and in the fleet.
func (s *server) end(ctx context.Context, entry *cache.Entry, q query) {
	_ = s.fences.Fence(ctx, q.scope) // what fails goes on in the background
	s.Memory.Drop(q.key, entry)
}

// exchangePermitted makes an exchange, with a permit where a client waits for it. Renewals are few
// for each identity, and need none.
func (s *server) exchangePermitted(ctx context.Context, q query) (_ *cache.Entry, err error) {
	affected := q.fenceScopes()
	q.links = q.links && !s.fences.linksNothing(ctx, affected)
	if q.links || q.domain == cache.DomainUnproven {
		var ended func(error)
		if ended, err = s.fences.attempt(ctx, &affected); err != nil {
			return nil, err
		}
		defer func() { ended(err) }()
		q.overLimit = affected.overLimit
	}
	if !q.ahead {
		by := payer{q.Identity, q.Logins, q.logins}
		if q.Flow == flowDeveloper {
			by.logins = []login{userOf(q.Pool, q.Provider, q.User)}
		}
		if err := s.calls.takePermit(ctx, by); err != nil {
			return nil, err
		}
	}
	return s.exchangeOnce(ctx, q)
}
