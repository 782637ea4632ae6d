package main

import (
	"context"
	"fmt"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/logins"
)

// Limits of access tokens that nobody here knows and that prove nothing, of one client's
// address: they cost their provider a question each.
const (
	newTokens          = 120
	newTokensPerMinute = 60
	newTokenAddresses  = 100_000 // that are counted
)

// newProver proves logins of the providers of the configuration. events may be nil.
func newProver(c *config.Config, developmentKeys []byte, events *providerEvents) (*logins.Prover, error) {
	all, err := providers(c, developmentKeys)
	if err != nil {
		return nil, err
	}
	lc := logins.Config{Providers: all, CognitoIssuers: []string{config.AWSIssuer, c.Cognito.Issuer}}
	if lc.NewTokens, err = cache.NewAllowance(newTokensPerMinute, newTokens, newTokenAddresses, nil); err != nil {
		return nil, err
	}
	if events != nil {
		lc.OnFetch, lc.OnKeys, lc.OnQuestion = events.fetched, events.changed, events.asked
	}
	return logins.New(lc)
}

// providers are the login providers; the development one's keys need no fetch. A file
// that one names and that is no good is an error which names its key.
func providers(c *config.Config, developmentKeys []byte) ([]logins.Provider, error) {
	var out []logins.Provider
	for i := range c.LoginProviders {
		p, path := &c.LoginProviders[i], fmt.Sprintf("login_providers[%d]", i)
		provider := logins.Provider{
			Name: p.Provider, Kind: p.Kind, Issuer: p.Issuer, ClientIDs: p.ClientIDs, Algorithms: p.Algorithms,
			KeysURL: p.JWKSURI, Endpoint: p.Endpoint, AppSecret: p.AppSecret.Reveal(),
			NoLimitedLogin: p.LimitedLogin != nil && !*p.LimitedLogin,
		}
		if p.Issuer == p.Kind.Issuer() {
			provider.Issuer = "" // the kind knows more of its own: where the keys are, other spellings
		}
		if p.Issuer == c.DevelopmentIssuer() && developmentKeys != nil {
			provider.Keys = func(context.Context) ([]byte, error) { return developmentKeys, nil }
		}
		if err := addFiles(&provider, p, path); err != nil {
			return nil, err
		}
		out = append(out, provider)
	}
	return out, nil
}

// engineProviders are the login providers as the engine's pools take them.
func engineProviders(c *config.Config) map[string]embedded.Provider {
	all := make(map[string]embedded.Provider, len(c.LoginProviders))
	for _, p := range c.LoginProviders {
		all[p.Provider] = embedded.Provider{Kind: p.Kind, ClientIDs: p.ClientIDs}
	}
	return all
}
