package flows

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// idLife is how long the identity of a login is known without asking: changes made
// through a fleet's brokers end it, others show when the backend refuses it.
const idLife = 24 * time.Hour

// identityQuery names a GetId whose answer is kept: that of exactly one login, which
// is proved here. It is stored under the login, and ends with the identity too.
func (s *Service) identityQuery(ctx context.Context, in *ci.GetIdInput) (query, bool) {
	proven, _ := s.proven(ctx, in.Logins)
	if len(in.Logins) != 1 || len(proven) != 1 || !s.ofAccount(in) {
		return query{}, false
	}
	r := request{Flow: flowID, Pool: *in.IdentityPoolId, Logins: maps.Clone(in.Logins)} // the call may outlive the client
	q := s.loginQuery(r.Pool, proven[0])
	q.request, q.tokens = r, s.Names.Key("tokens", proven[0].provider, r.Logins[proven[0].provider])
	return q, true
}

// loginQuery names what is known of a login's identity. A pool may take one client of
// a provider and not another.
func (s *Service) loginQuery(pool string, l login) query {
	ev := evidence{logins: []login{l}}
	ev.settings = s.settings(pool, ev.logins)
	q := query{
		request: request{Flow: flowID, Pool: pool}, evidence: ev, scope: l.scope(),
		key: s.Names.Key(cache.DomainLogin, ev.settings, flowID, pool, l.provider, l.subject, l.client),
	}
	q.readEpochs(s.Epochs)
	return q
}

// identify is the identity of a login: as it is known, or as the backend says. known
// tells which. With anew the backend is asked in any case.
func (s *Service) identify(ctx context.Context, q query, anew bool) (id string, known bool, err error) {
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
func (s *Service) knownID(ctx context.Context, q *query) *cache.Entry {
	if e, ok := s.Memory.Get(q.key); ok {
		s.Observer.Lookup("memory", "hit")
		return e
	}
	s.Observer.Lookup("memory", "miss")
	e := s.lookUpFleet(ctx, q)
	if e != nil {
		s.Observer.Lookup("redis", "hit")
		// An answer tied the three, though it was another broker's.
		s.Directory.Owns(q.Pool, q.logins[0].provider, q.logins[0].subject, e.Credentials.IdentityID)
	}
	return e
}

// ofAccount reports whether a pool is known to be of the account that a call names, if
// any. The backend refuses calls that name another; only what it answered tells.
func (s *Service) ofAccount(in *ci.GetIdInput) bool {
	if in.AccountId == nil {
		return true
	}
	known, ok := s.accounts.Load(*in.IdentityPoolId)
	return ok && known == *in.AccountId
}

// identity asks the backend. The identity's epoch is read after its answer, so the
// answer is kept only if nothing changed the identity since before.
func (s *Service) identity(ctx context.Context, r request) (answer, error) {
	watch, began := s.Epochs.RecordInvalidations(), time.Now()
	defer watch.Close()
	out, err := s.Next.GetId(ctx, &ci.GetIdInput{IdentityPoolId: aws.String(r.Pool), Logins: r.Logins})
	if err != nil {
		return answer{}, err
	}
	id := aws.ToString(out.IdentityId)
	also := s.quietStamp(ctx, watch, began, cache.IdentityScope(id))
	return answer{
		credentials: cache.Credentials{IdentityID: id, Expires: s.Now().Add(idLife)},
		also:        &also,
		merged:      scopesOf(cognito.Merged(out.ResultMetadata)),
	}, nil
}

// quietStamp is the stamp of the present epochs of scopes that a call which began then
// brought, and which nothing changed meanwhile; else one that never stands.
func (s *Service) quietStamp(
	ctx context.Context, watch *cache.InvalidationRecorder, began time.Time, scopes ...cache.Scope,
) cache.Stamp {
	stamp := s.Epochs.Read(scopes...)
	if s.Shared != nil {
		var err error
		if stamp, err = s.Shared.StampQuiet(ctx, stamp, time.Since(began)); err != nil {
			return cache.Stamp{}
		}
	}
	if slices.ContainsFunc(scopes, watch.Ended) {
		return cache.Stamp{}
	}
	return stamp
}

// endDisownedTokens is endDisowned for a call that failed, whose logins were not proved.
func (s *Service) endDisownedTokens(ctx context.Context, loc location, id string, logins map[string]string, err error) {
	if err != nil && cognito.Disowned(err) {
		proven, _ := s.proven(ctx, logins)
		s.endDisowned(ctx, fenceScopes{pool: cmp.Or(loc.pool, callInfoOf(ctx).Pool), identity: id, logins: proven}, err)
	}
}

// endDisowned ends what is known of the identity of logins, where that is the one for
// which the backend just refused them.
func (s *Service) endDisowned(ctx context.Context, affected fenceScopes, err error) {
	if affected.identity == "" || affected.pool == "" || !cognito.Disowned(err) {
		return
	}
	for _, l := range affected.logins {
		q := s.loginQuery(affected.pool, l)
		if e := s.knownID(ctx, &q); e != nil && e.Credentials.IdentityID == affected.identity {
			_ = s.Fence(ctx, q.scope) // what fails goes on in the background
			s.Memory.Drop(q.key, e)
		}
	}
}
