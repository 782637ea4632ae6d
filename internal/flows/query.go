package flows

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins"
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

// query names a call for an identity.
func (s *Service) query(ctx context.Context, loc location, r request) (query, bool) {
	r.Pool, r.Logins = loc.pool, maps.Clone(r.Logins) // the exchange may outlive the client
	q := query{request: r, scope: cache.IdentityScope(r.Identity)}
	q.readEpochs(s.Epochs)
	ev, ok := s.proveLogins(ctx, r.Pool, r.Identity, r.Logins)
	if !ok {
		return query{}, false
	}
	q.evidence, q.key, q.tokens = ev, s.keyOf(ev, r), s.Names.Key("tokens", tokenFields(r.Logins)...)
	q.links = loc.links(r.Logins)
	q.readLogins(s.Epochs)
	q.renewable = !q.links
	return q, true
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

// evidence is what a call's logins prove, as the cache names it.
type evidence struct {
	domain  cache.Domain
	fields  []string
	proofs  []cache.Proof
	expires time.Time // when the first of the tokens does; zero: none
	logins  []login
	// settings is the generation that the proofs were made under.
	settings string
}

// keyOf is the key of what a call brings that rests on the evidence.
func (s *Service) keyOf(ev evidence, r request) cache.Key {
	return s.Names.Key(ev.domain, slices.Concat([]string{ev.settings}, r.fields(), ev.fields)...)
}

// proveLogins proves a call's logins. ok is false when the call is not for the cache:
// a login could not be proved. The backend then answers it, with its own error.
func (s *Service) proveLogins(ctx context.Context, pool, id string, tokens map[string]string) (ev evidence, ok bool) {
	ev.domain = cache.DomainGuest
	if len(tokens) > 0 {
		ev.domain = cache.DomainLogin
	}
	for _, provider := range slices.Sorted(maps.Keys(tokens)) {
		token := tokens[provider]
		switch {
		case provider == cognito.PassThrough && s.Tokens != nil:
			ok = ev.ownToken(s.Tokens, pool, id, token)
		case s.Prover.Known(provider):
			ok = s.proveLogin(ctx, &ev, pool, provider, token)
		default:
			ok = ev.unproven(provider, token, s.Now())
		}
		if !ok {
			return evidence{}, false
		}
	}
	ev.settings = s.settings(pool, ev.logins)
	return ev, true
}

// tokenFields are a call's logins, each as its provider and token.
func tokenFields(tokens map[string]string) []string {
	var all []string
	for _, provider := range slices.Sorted(maps.Keys(tokens)) {
		all = append(all, provider, tokens[provider])
	}
	return all
}

func (s *Service) proveLogin(ctx context.Context, ev *evidence, pool, provider, token string) bool {
	proof, err := s.Prover.Prove(ctx, provider, token)
	if err != nil {
		return false
	}
	claims, err := s.claimFields(pool, proof)
	if err != nil {
		return false
	}
	ev.add(proof.Standing, proof.Expires, "login", provider, proof.Subject, proof.ClientID, claims)
	ev.logins = append(ev.logins, login{provider: provider, subject: proof.Subject, client: proof.ClientID})
	return true
}

// ownToken takes a token of the backend's own for what it says.
func (ev *evidence) ownToken(reader TokenReader, pool, id, token string) bool {
	t, err := reader.ReadToken(token)
	if err != nil || t.Pool != pool || t.Identity != id {
		return false
	}
	said, err := json.Marshal([]any{t.AMR, t.Tags}) // tags sorted by key
	if err != nil {
		return false
	}
	ev.domain = cache.DomainOwnToken
	ev.add(validUntil(t.Expires.UnixNano()), t.Expires, "own", string(said))
	return true
}

// unproven names a token that the backend alone can judge by the token itself:
// what it was answered with goes to the same bytes only, and not beyond the
// expiry that it states.
func (ev *evidence) unproven(provider, token string, now time.Time) bool {
	ev.domain = cache.DomainUnproven
	expires, stated, err := logins.StatedExpiry(token)
	if err != nil || stated && !now.Before(expires) {
		return false
	}
	var holder validUntil
	if stated {
		holder = validUntil(expires.UnixNano())
	}
	ev.add(holder, expires, "token", provider, token)
	return true
}

func (ev *evidence) add(proof cache.Proof, expires time.Time, fields ...string) {
	ev.proofs = append(ev.proofs, proof)
	ev.fields = append(ev.fields, fields...)
	if !expires.IsZero() && (ev.expires.IsZero() || expires.Before(ev.expires)) {
		ev.expires = expires
	}
}

// validUntil is a proof that holds up to a moment, in Unix nanoseconds; zero is for
// ever.
type validUntil int64

// Holds reports whether the moment has not come.
func (u validUntil) Holds(now time.Time) bool { return u == 0 || now.UnixNano() < int64(u) }

// claimFields encodes those claims that can change the answer.
func (s *Service) claimFields(pool string, proof *logins.Proof) (string, error) {
	type claim struct {
		Name  string
		Value any
	}
	var named []claim
	for _, name := range proof.ClaimNames() {
		if !s.Directory.Matters(pool, proof.Provider, name) {
			continue
		}
		value, _ := proof.Claim(name)
		named = append(named, claim{name, value})
	}
	text, err := json.Marshal(named)
	if err != nil {
		return "", fmt.Errorf("spell claims: %w", err)
	}
	return string(text), nil
}
