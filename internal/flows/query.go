package flows

import (
	"context"
	"maps"
	"sync"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// query is a call of which everything is known that its cache key needs: it
// may be served from the cache.
type query struct {
	request
	evidence
	key   cache.Key
	scope cache.Scope // of what the call names: the identity, or a login
	// stamp is of the epochs of scope, pool and logins, read before all that the answer
	// rests on. Who changes a login may not know whose it is: what knew it may have been
	// evicted.
	stamp cache.Stamp
	// overLimit says that the identity's limit of refusals is reached: see attempt.
	overLimit bool
	// fenced says that the fleet has an entry for the call that open fences suspend.
	fenced bool
	// newPool says that the fleet knows nothing of the call's pool: its first answer tells that
	// there is one.
	newPool bool
	// tokens digests the logins byte for byte: a refusal belongs to them.
	tokens cache.Key
	// links says that the call may link a login, and so must be fenced: changes
	// are the scopes that it may change.
	links   bool
	changes []cache.Scope
	// old is the entry that the call is to replace; nil: any will do that is valid.
	old *cache.Entry
	// renewable says that the call may be repeated without its client, and ahead that it
	// is, before somebody waits for it.
	renewable, ahead bool
}

// queryMaker makes queries of calls, and proves their logins. It is safe for concurrent use.
type queryMaker struct {
	*Config
	owners   *loginOwners
	accounts sync.Map // account by pool, of those that calls named and the backend took
}

// query makes the query of a call for an identity.
func (m *queryMaker) query(ctx context.Context, loc location, r request) (query, bool) {
	r.Pool, r.Logins = loc.pool, maps.Clone(r.Logins) // the exchange may outlive the client
	q := query{request: r, scope: cache.IdentityScope(r.Identity)}
	q.readEpochs(m.Epochs)
	ev, ok := m.proveLogins(ctx, r.Pool, r.Identity, r.Logins)
	if !ok {
		return query{}, false
	}
	q.evidence, q.key, q.tokens = ev, m.keyOf(ev, r), m.Names.Key("tokens", tokenFields(r.Logins)...)
	q.links = loc.links(r.Logins)
	q.readLogins(m.Epochs)
	q.renewable = !q.links && !passing(r.Logins)
	return q, true
}

// passing reports whether a login is good for minutes alone, so that it must not be made once
// more without its client: a SAML assertion.
func passing(tokens map[string]string) bool {
	for provider := range tokens {
		if kind, _ := loginkey.KindOf(provider); kind == loginkey.SAML {
			return true
		}
	}
	return false
}

// readEpochs reads the epochs of all that the call rests on, as far as it is known.
func (q *query) readEpochs(e *cache.Epochs) {
	q.stamp = e.Read(q.scope, q.poolScope())
	q.readLogins(e)
}

// poolScope is what the call rests on of its pool's settings.
func (r *request) poolScope() cache.Scope {
	if r.Flow == flowID {
		return cache.PoolScope(r.Pool)
	}
	return cache.CredentialsScope(r.Pool)
}

// namesPool reports whether the call may name any pool, also one that does not exist.
func (r *request) namesPool() bool { return r.Flow == flowID }

// readLogins adds the epochs of logins that were proved since.
func (q *query) readLogins(e *cache.Epochs) {
	if scopes := q.loginScopes(); len(scopes) > 0 {
		q.stamp = cache.JoinStamps(q.stamp, e.Read(scopes...))
	}
}

// loginScopes are those of the call's logins that are not what it names.
func (q *query) loginScopes() []cache.Scope {
	return without(scopesOfLogins(q.logins), []cache.Scope{q.scope})
}

func (q *query) fenceScopes() fenceScopes {
	return fenceScopes{
		pool: q.Pool, identity: q.Identity, logins: q.logins, tokens: len(q.Logins), trusted: q.Flow == flowDeveloper,
		overLimit: q.overLimit,
	}
}

// provedRequest is the call with the logins that were proved of it.
func (q *query) proved() provedRequest { return provedRequest{q.request, q.logins, q.settings} }

// developer names a call of the developer flow. ok is false when it is not for
// the cache: a public login could not be proved, or the user's identity is yet to
// be linked.
func (m *queryMaker) developer(ctx context.Context, r request) (query, bool) {
	user := userOf(r.Pool, r.Provider, r.User)
	q := query{request: r, scope: user.scope(), evidence: evidence{logins: []login{user}}}
	if r.Identity != "" {
		q.scope = cache.IdentityScope(r.Identity)
	}
	q.readEpochs(m.Epochs)
	ev, ok := m.proveLogins(ctx, r.Pool, r.Identity, r.Logins)
	if !ok {
		return q, false
	}
	ev.domain, ev.logins = cache.DomainDeveloper, append(ev.logins, user)
	q.evidence, q.key, q.tokens = ev, m.keyOf(ev, r), m.Names.Key("tokens", tokenFields(r.Logins)...)
	q.readLogins(m.Epochs)
	// To name an identity may link the user to it; public logins may be linked too,
	// and merge whoever owns them.
	q.links = r.Identity != "" || len(r.Logins) > 0
	q.renewable = len(r.Logins) == 0
	return q, true
}

// identityQuery names a GetId whose answer is kept: that of exactly one login, which
// is proved here. It is stored under the login, and ends with the identity too.
func (m *queryMaker) identityQuery(ctx context.Context, in *ci.GetIdInput) (query, bool) {
	proven, _, _ := m.owners.proven(ctx, in.Logins)
	if len(in.Logins) != 1 || len(proven) != 1 || !m.ofAccount(in) || !m.taken(ctx, *in.IdentityPoolId, in.Logins) {
		return query{}, false
	}
	r := request{Flow: flowID, Pool: *in.IdentityPoolId, Logins: maps.Clone(in.Logins)} // the call may outlive the client
	q := m.loginQuery(r.Pool, proven[0])
	q.request, q.tokens = r, m.Names.Key("tokens", tokenFields(r.Logins)...)
	return q, true
}

// taken reports whether the pool takes all logins yet, which were proved just now.
func (m *queryMaker) taken(ctx context.Context, pool string, tokens map[string]string) bool {
	if m.Rechecks == nil {
		return true
	}
	for provider, token := range tokens {
		proof, err := m.prove(ctx, provider, token)
		if err != nil {
			return false
		}
		if _, err := m.Rechecks.RecheckLogin(ctx, pool, proof); err != nil {
			return false
		}
	}
	return true
}

// loginQuery names what is known of a login's identity. A pool may take one client of
// a provider and not another.
func (m *queryMaker) loginQuery(pool string, l login) query {
	ev := evidence{logins: []login{l}}
	ev.settings = m.settings(pool, ev.logins)
	q := query{
		request: request{Flow: flowID, Pool: pool}, evidence: ev, scope: l.scope(),
		key: m.Names.Key(cache.DomainLogin, ev.settings, flowID, pool, l.provider, l.subject, l.client),
	}
	q.readEpochs(m.Epochs)
	return q
}

// ofAccount reports whether a pool is known to be of the account that a call names, if
// any. The backend refuses calls that name another; only what it answered tells.
func (m *queryMaker) ofAccount(in *ci.GetIdInput) bool {
	if in.AccountId == nil {
		return true
	}
	known, ok := m.accounts.Load(*in.IdentityPoolId)
	return ok && known == *in.AccountId
}
