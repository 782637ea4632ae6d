package embedded

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
)

// prove verifies all logins of a call; one bad token fails it
// (docs/cognito.md#entering-an-identity). The order is by provider, so that equal calls
// fail equally.
func (e *Engine) prove(ctx context.Context, pool *rules.Pool, tokens map[string]string) ([]rules.Proven, error) {
	proven := make([]rules.Proven, 0, len(tokens))
	for _, provider := range slices.Sorted(maps.Keys(tokens)) {
		if err := e.acceptable(pool, provider, tokens[provider]); err != nil {
			return nil, err
		}
		proof, err := e.prover.Prove(ctx, provider, tokens[provider])
		if err != nil {
			return nil, loginError(err)
		}
		if !pool.AcceptsClient(provider, proof.ClientID) {
			return nil, cognito.NotAuthorized(cognito.MsgUnsupportedProvider)
		}
		proven = append(proven, rules.Proven{
			Login: rules.Login{Provider: provider, Subject: proof.Subject}, ClientID: proof.ClientID, Claims: proof,
		})
	}
	return proven, nil
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
func (e *Engine) acceptable(pool *rules.Pool, provider, token string) error {
	if e.proves(pool, provider) {
		return nil
	}
	if provider == cognito.PassThrough {
		return cognito.NotAuthorized(cognito.MsgCognitoToken)
	}
	if !pool.HasProviders() {
		return cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
	}
	if err := e.prover.Peek(provider, token); err != nil {
		return loginError(err)
	}
	return cognito.NotAuthorized(cognito.MsgUnsupportedProvider)
}

// proves reports whether the pool takes logins of the provider, and they are proved
// here as the pool means them. What proves them is OpenID's rules alone, so a provider
// that has rules of its own counts as far as the pool names its ARN: as a user pool or
// a social provider it promises checks that nothing makes.
func (e *Engine) proves(pool *rules.Pool, provider string) bool {
	if _, own := loginkey.KindOf(provider); own {
		if _, oidc := pool.OIDCProviderARN(provider); !oidc {
			return false
		}
	}
	return pool.Accepts(provider) && e.prover.Known(provider)
}

// loginError turns a failed proof into the service's error. Only a token that
// was looked at and found wrong is "not authorised".
func loginError(err error) error {
	if refused, ok := errors.AsType[*logins.Refused](err); ok {
		return cognito.WithCause(cognito.NotAuthorized(refused.Message), err)
	}
	if _, ok := errors.AsType[*logins.Unavailable](err); ok {
		return cognito.WithCause(cognito.ExternalService("The login provider cannot be reached. Try again later."), err)
	}
	return err
}
