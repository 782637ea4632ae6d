package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// idLife is how long the identity of a login is known without asking: changes made
// through a fleet's brokers end it, others show when the backend refuses it.
const idLife = 24 * time.Hour

// identify is the identity of a login: as it is known, or as the backend says. known
// tells which. With anew the backend is asked in any case.
func (s *server) identify(ctx context.Context, q query, anew bool) (id string, known bool, err error) {
	if anew {
		q.stamp = s.presentStamp(ctx, q.scope, q.poolScope())
	} else if e := s.knownID(ctx, &q); e != nil {
		return e.Credentials.IdentityID, true, nil
	} else if e := s.awaitSuspended(ctx, &q); e != nil {
		return e.Credentials.IdentityID, true, nil
	}
	e, known, err := s.exchangeOrAwait(ctx, q)
	if err != nil {
		return "", false, err
	}
	return e.Credentials.IdentityID, known, nil
}

// knownID is what is known of a login's identity, or nil.
func (s *server) knownID(ctx context.Context, q *query) *cache.Entry {
	if e, ok := s.Memory.Get(q.key); ok {
		s.Observer.Lookup("memory", "hit")
		return e
	}
	s.Observer.Lookup("memory", "miss")
	e := s.lookUpFleet(ctx, q)
	if e != nil {
		s.Observer.Lookup("redis", "hit")
		// An answer told whose the login is, though another broker got it.
		s.Directory.Owns(q.Pool, q.logins[0].provider, q.logins[0].subject, e.Credentials.IdentityID)
	}
	return e
}

// endDisowned ends what is known of the identity of logins, where that is the one for
// which the backend just refused them. A login that was refused alone does not belong to the
// identity.
func (s *server) endDisowned(ctx context.Context, affected fenceScopes, err error) {
	if affected.identity == "" || affected.pool == "" || !cognito.Disowned(err) {
		return
	}
	for _, l := range affected.logins {
		q := s.queries.loginQuery(affected.pool, l)
		if e := s.knownID(ctx, &q); e != nil && e.Credentials.IdentityID == affected.identity {
			_ = s.fences.Fence(ctx, q.scope) // what fails goes on in the background
			s.Memory.Drop(q.key, e)
		}
	}
	if affected.tokens == 1 && len(affected.logins) == 1 && !cognito.Forbidden(err) {
		s.owners.dropOwner(ctx, affected.pool, affected.identity, affected.logins[0])
	}
}
