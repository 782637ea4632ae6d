package flows

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
)

// login is a user of a provider whom a call proved, or a backend vouched for. Of the latter
// pool is the one whose user he is.
type login struct {
	provider, subject string
	client            string // whom it was made for, see madeFor
	pool              string
}

// loginOf is the login that was proved under a key in Logins. Its provider is that of the proof,
// for a user pool has two keys.
func loginOf(named string, proof *logins.Proof) login {
	if proof.Provider != "" {
		named = proof.Provider
	}
	return login{provider: named, subject: proof.Subject, client: madeFor(named, proof)}
}

// madeFor spells whom a login was made for, as far as a pool may look at it. Clients of plain OpenID
// providers stand at the provider; of other kinds the pool lists one of those whom the token names.
func madeFor(provider string, proof *logins.Proof) string {
	if _, own := loginkey.KindOf(provider); !own || len(proof.Audience) == 0 {
		return proof.ClientID
	}
	text, _ := json.Marshal(append([]string{proof.ClientID}, proof.Audience...))
	return string(text)
}

// userOf is a backend's own user.
func userOf(pool, provider, user string) login {
	return login{provider: provider, subject: user, pool: pool}
}

func (l login) scope() cache.Scope {
	if l.pool != "" {
		return cache.UserScope(l.pool, l.provider, l.subject)
	}
	return cache.LoginScope(l.provider, l.subject)
}

func scopesOfLogins(logins []login) []cache.Scope {
	scopes := make([]cache.Scope, len(logins))
	for i, l := range logins {
		scopes[i] = l.scope()
	}
	return scopes
}

// loginOwners knows whose logins are, as far as this broker or the fleet knows. It is safe for
// concurrent use.
type loginOwners struct{ *Config }

// owners are the identities that logins are known to belong to, here or in the
// fleet; some may have been. Where the fleet cannot be asked, it fails with
// cognito.ErrUnavailable, and tells those that are known here.
func (o *loginOwners) owners(ctx context.Context, pool string, logins []login) ([]string, error) {
	var owners []string
	for _, l := range logins {
		known, err := o.Directory.Owners(ctx, pool, l.provider, l.subject)
		if err != nil {
			return owners, err
		}
		if l.pool != "" {
			known = slices.DeleteFunc(slices.Clone(known), func(id string) bool { return o.inOtherPool(ctx, l.pool, id) })
		}
		owners = append(owners, known...)
	}
	if o.Shared == nil || len(logins) == 0 {
		return owners, nil
	}
	told, err := o.Shared.Owners(ctx, scopesOfLogins(logins)...)
	if err != nil {
		return owners, serviceError(err)
	}
	return append(owners, slices.Concat(told...)...), nil
}

// inOtherPool reports whether an identity is known to be of another pool: a backend's user is
// its owner in his own pool alone, and a call that names both is refused.
func (o *loginOwners) inOtherPool(ctx context.Context, pool, id string) bool {
	of, _, known, err := o.Directory.Identity(ctx, id)
	return err == nil && known && of != pool
}

// proven are those of a call's logins that can be proved here. futile says that the backend
// will take none of them either: each was refused here. It fails with TooManyRequestsException where a
// provider was not asked about a token, since the client's address brings too many: the backend, which would
// judge it, is spared as the provider is.
func (o *loginOwners) proven(ctx context.Context, tokens map[string]string) (proved []login, vain bool, err error) {
	vain = true
	for provider, token := range tokens {
		if !o.Prover.Known(provider) {
			vain = false
			continue
		}
		proof, failed := o.prove(ctx, provider, token)
		if failed == nil {
			proved = append(proved, loginOf(provider, proof))
		}
		if _, refused := errors.AsType[*logins.Refused](failed); !refused {
			vain = false
		}
		if _, limited := errors.AsType[*logins.Limited](failed); limited {
			err = cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), failed)
		}
	}
	return proved, vain, err
}

// prove proves a login. Callers speak for many: their address has no limit of new tokens.
func (c *Config) prove(ctx context.Context, provider, token string) (*logins.Proof, error) {
	if _, ok := callers.From(ctx); ok {
		ctx = logins.WithAddress(ctx, "")
	}
	return c.Prover.Prove(ctx, provider, token)
}

// recordOwner records the identity that an answer told of the logins of its call.
func (o *loginOwners) recordOwner(ctx context.Context, pool, id string, logins []login) {
	o.recordOwnerUnder(ctx, cache.Stamp{}, pool, id, logins)
}

// recordOwnerUnder is recordOwner, and reports whether what the call brought may be kept: nobody
// changed the logins since the stamp was read, which is of them too. Whoever changes
// them next knows their owner then, and ends what is kept for him.
func (o *loginOwners) recordOwnerUnder(ctx context.Context, stamp cache.Stamp, pool, id string, logins []login) bool {
	for _, l := range logins {
		o.Directory.Owns(pool, l.provider, l.subject, id)
	}
	if o.Shared == nil || len(logins) == 0 {
		return len(logins) == 0 || stamp.Stands()
	}
	known := true
	for _, l := range logins {
		epoch, err := o.Shared.AddOwner(ctx, l.scope(), pool, id)
		_, before := stamp.Only(l.scope()).Shared()
		known = known && err == nil && len(before) == 1 && epoch == before[0]
	}
	return known && stamp.Stands()
}

// dropOwner records that an answer told that a login does not belong to an identity, whatever it did
// before: what the login's user changes from now on is no change of that identity.
func (o *loginOwners) dropOwner(ctx context.Context, pool, id string, l login) {
	o.Directory.Disowns(l.provider, l.subject, id)
	if o.Shared != nil {
		_ = o.Shared.DropOwner(ctx, l.scope(), pool, id) // it is forgotten by itself, later
	}
}

// unlessFailed is the answer, unless what had to be ended for it could not be: then the error.
func unlessFailed[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// without returns the scopes that a fence did not cover.
func without(scopes, covered []cache.Scope) []cache.Scope {
	return slices.DeleteFunc(slices.Clone(scopes), func(s cache.Scope) bool { return slices.Contains(covered, s) })
}

func scopesOf(identities []string) []cache.Scope {
	var scopes []cache.Scope
	for _, id := range identities {
		scopes = append(scopes, cache.IdentityScope(id))
	}
	return scopes
}

// fenceScopesOf is what an app's call may change that comes with these tokens. Without any it
// changes nothing, and is not futile. It fails as proven does.
func (o *loginOwners) fenceScopesOf(
	ctx context.Context, pool, identity string, tokens map[string]string,
) (affected fenceScopes, err error) {
	affected = fenceScopes{pool: pool, identity: identity, tokens: len(tokens)}
	if len(tokens) > 0 {
		affected.logins, affected.futile, err = o.proven(ctx, tokens)
	}
	return affected, err
}
