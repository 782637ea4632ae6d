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
func (m *queryMaker) keyOf(ev evidence, r request) cache.Key {
	return m.Names.Key(ev.domain, slices.Concat([]string{ev.settings}, r.fields(), ev.fields)...)
}

// proveLogins proves a call's logins. ok is false when the call is not for the cache:
// a login could not be proved. The backend then answers it, with its own error.
func (m *queryMaker) proveLogins(
	ctx context.Context, pool, id string, tokens map[string]string,
) (ev evidence, ok bool) {
	ev.domain = cache.DomainGuest
	if len(tokens) > 0 {
		ev.domain = cache.DomainLogin
	}
	for _, provider := range slices.Sorted(maps.Keys(tokens)) {
		token := tokens[provider]
		switch {
		case provider == cognito.PassThrough && m.Tokens != nil:
			ok = m.proveToken(ctx, &ev, pool, id, token)
		case m.Prover.Known(provider):
			ok = m.proveLogin(ctx, &ev, pool, provider, token)
		default:
			ok = ev.unproven(provider, token, m.Now())
		}
		if !ok {
			return evidence{}, false
		}
	}
	ev.settings = m.settings(pool, ev.logins)
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

func (m *queryMaker) proveLogin(ctx context.Context, ev *evidence, pool, provider, token string) bool {
	proof, err := m.prove(ctx, provider, token)
	if err != nil {
		return false
	}
	claims, err := m.claimFields(pool, proof)
	if err != nil {
		return false
	}
	if m.Rechecks != nil {
		until, err := m.Rechecks.RecheckLogin(ctx, pool, proof)
		if err != nil {
			return false
		}
		ev.addUntil(until)
	}
	l := loginOf(provider, proof)
	ev.add(proof.Standing, proof.Expires, "login", l.provider, l.subject, l.client, claims)
	ev.logins = append(ev.logins, l)
	return true
}

// proveToken takes a token of the backend's own for what it says.
func (m *queryMaker) proveToken(ctx context.Context, ev *evidence, pool, id, token string) bool {
	t, err := m.Tokens.ReadToken(token)
	if err != nil || t.Pool != pool || t.Identity != id {
		return false
	}
	if m.Rechecks != nil {
		until, err := m.Rechecks.RecheckToken(ctx, t)
		if err != nil {
			return false
		}
		ev.addUntil(until)
	}
	stated, err := json.Marshal([]any{t.AMR, t.Tags}) // tags sorted by key
	if err != nil {
		return false
	}
	ev.domain = cache.DomainOwnToken
	ev.add(validUntil(t.Expires.UnixNano()), t.Expires, "own", string(stated))
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

// addUntil adds until when a login is taken; zero is for ever.
func (ev *evidence) addUntil(until time.Time) {
	if !until.IsZero() {
		ev.proofs = append(ev.proofs, validUntil(until.UnixNano()))
	}
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
func (m *queryMaker) claimFields(pool string, proof *logins.Proof) (string, error) {
	type claim struct {
		Name  string
		Value any
	}
	var named []claim
	for _, name := range proof.ClaimNames() {
		if !m.Directory.Matters(pool, proof.Provider, name) {
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
