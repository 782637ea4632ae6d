package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/userpool"
)

// Texts of ours (docs/fidelity.md#identities-and-logins).
const (
	msgKindRefused = "Logins of %s are not supported."
	msgTwice       = "Logins names a provider twice, in two spellings."
	msgNoProvider  = "The login provider cannot be reached. Try again later."
)

// Provider is what the engine knows of a login provider beside how its logins are proved.
type Provider struct {
	Kind loginkey.Kind
	// ClientIDs are those of the provider itself, for pools that name it by an ARN.
	ClientIDs []string
}

// prove verifies all logins of a call; one bad token fails it
// (docs/cognito.md#entering-an-identity). The order is by provider, so that equal calls
// fail equally.
func (e *loginChecks) prove(ctx context.Context, pool *rules.Pool, tokens map[string]string) ([]rules.Proven, error) {
	proven := make([]rules.Proven, 0, len(tokens))
	for _, named := range slices.Sorted(maps.Keys(tokens)) {
		one, err := e.proveOne(ctx, pool, named, tokens[named])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(proven, func(p rules.Proven) bool { return p.Provider == one.Provider }) {
			return nil, cognito.InvalidParameter(msgTwice)
		}
		proven = append(proven, one)
	}
	return proven, nil
}

// proveOne verifies a login, in the documented order: what the token is, then whether the
// pool lists whom it is for, then its time.
func (e *loginChecks) proveOne(ctx context.Context, pool *rules.Pool, named, token string) (rules.Proven, error) {
	if err := e.acceptable(pool, named, token); err != nil {
		return rules.Proven{}, err
	}
	key := pool.Key(named)
	proof, err := e.prover.Prove(ctx, key, token)
	if err != nil {
		refused, ok := errors.AsType[*logins.Refused](err)
		if ok && len(refused.Audience) > 0 && e.listsClients(pool, key) {
			if _, listed := e.client(pool, key, refused.Audience); !listed {
				return rules.Proven{}, cognito.WithCause(wrongClient(pool, key), errClient)
			}
		}
		return rules.Proven{}, loginError(err)
	}
	client := proof.ClientID
	if e.listsClients(pool, key) {
		var listed bool
		if client, listed = e.client(pool, key, proof.Audience); !listed {
			return rules.Proven{}, cognito.WithCause(wrongClient(pool, key), errClient)
		}
	}
	login := rules.Login{Provider: key, Subject: proof.Subject}
	if err := e.checkSignOut(ctx, pool, login, proof); err != nil {
		return rules.Proven{}, err
	}
	if _, err := e.checkUser(ctx, pool, key, client, proof, userpool.Issue); err != nil {
		return rules.Proven{}, err
	}
	return rules.Proven{Login: login, ClientID: client, Claims: proof}, nil
}

// errClient tells explanations what is wrong with a login.
var errClient = errors.New("it was made for a client that the pool, or client_ids of its provider, does not list")

// wrongClient refuses a login that was made for somebody else (docs/cognito.md#login-tokens).
func wrongClient(pool *rules.Pool, key string) error {
	if pool.Way(key) == rules.ByOIDC {
		return cognito.NotAuthorized(cognito.MsgTokenAudience)
	}
	return cognito.NotAuthorized(cognito.MsgUnsupportedProvider)
}

// listsClients reports whether it is here that clients are looked at: those of plain OpenID
// providers were, when the login was proved, and SAML has none.
func (e *loginChecks) listsClients(pool *rules.Pool, key string) bool {
	switch pool.Way(key) {
	case rules.ByOIDC:
		return e.kind(key) != loginkey.OIDC
	case rules.BySAML:
		return false
	}
	return true
}

// client is the client for which the pool takes a login that was made for any of audience.
func (e *loginChecks) client(pool *rules.Pool, key string, audience []string) (client string, ok bool) {
	if pool.Way(key) != rules.ByOIDC {
		return pool.Client(key, audience)
	}
	for _, client := range audience {
		if slices.Contains(e.providers[key].ClientIDs, client) {
			return client, true
		}
	}
	return "", false
}

// kind is the kind of a login provider: what nobody says to be another is a plain OpenID
// provider.
func (e *loginChecks) kind(key string) loginkey.Kind {
	if p, ok := e.providers[loginkey.Normal(key)]; ok && p.Kind != "" {
		return p.Kind
	}
	return loginkey.OIDC
}

// emulated are the user pools that have other names than the service's.
func (e *loginChecks) emulated() []string {
	var names []string
	for name, p := range e.providers {
		if p.Kind == loginkey.UserPool && loginkey.EmulatedPool(name) {
			names = append(names, name)
		}
	}
	return names
}

func loginsOf(proven []rules.Proven) []rules.Login {
	out := make([]rules.Login, len(proven))
	for i, p := range proven {
		out[i] = p.Login
	}
	return out
}

// acceptable refuses providers that the pool does not list: row 13 of
// docs/cognito.md#entering-an-identity, or what the token itself shows to be wrong
// (docs/cognito.md#login-keys).
func (e *loginChecks) acceptable(pool *rules.Pool, named, token string) error {
	if e.proves(pool, named) {
		return nil
	}
	if named == cognito.PassThrough {
		return cognito.NotAuthorized(cognito.MsgCognitoToken)
	}
	if !pool.HasProviders() {
		return cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
	}
	if kind, _ := loginkey.KindOf(named); kind.Refused() && pool.Accepts(named) {
		return cognito.NotAuthorized(fmt.Sprintf(msgKindRefused, named))
	}
	if err := e.prover.Peek(named, token); err != nil {
		return loginError(err)
	}
	return cognito.NotAuthorized(cognito.MsgUnsupportedProvider)
}

// proves reports whether the pool takes logins of the provider, and they are proved
// here as the pool means them: by the rules of the kind that the pool lists it as. A provider
// that is configured as another kind promises checks that nothing makes.
func (e *loginChecks) proves(pool *rules.Pool, named string) bool {
	key := pool.Key(named)
	return e.fits(pool, key) && e.prover.Known(key)
}

// fits reports whether the provider is of a kind that the way takes in which the pool lists it.
func (e *loginChecks) fits(pool *rules.Pool, key string) bool {
	kind := e.kind(key)
	switch pool.Way(key) {
	case rules.ByOIDC:
		social := kind == loginkey.Google || kind == loginkey.Apple
		return kind == loginkey.OIDC || social && len(e.providers[key].ClientIDs) > 0
	case rules.ByApp:
		own, _ := loginkey.KindOf(key)
		return kind == own && !kind.Refused()
	case rules.ByUserPool:
		return kind == loginkey.UserPool
	case rules.BySAML:
		return kind == loginkey.SAML
	}
	return false
}

// loginError turns a failed proof into the service's error. Only a token that
// was looked at and found wrong is "not authorised".
func loginError(err error) error {
	if refused, ok := errors.AsType[*logins.Refused](err); ok {
		return cognito.WithCause(cognito.NotAuthorized(refused.Message), err)
	}
	if _, ok := errors.AsType[*logins.Limited](err); ok {
		return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), err)
	}
	if _, ok := errors.AsType[*logins.Unavailable](err); ok {
		return cognito.WithCause(cognito.ExternalService(msgNoProvider), err)
	}
	return err
}
