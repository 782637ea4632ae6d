package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/saml"
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
	for i, p := range c.LoginProviders {
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
		if p.JWKSFile != "" {
			provider.Keys = func(context.Context) ([]byte, error) { return readKeys(p.JWKSFile) }
			set, err := readKeys(p.JWKSFile)
			if err == nil {
				_, err = logins.CheckKeys(set, p.Algorithms)
			}
			if err != nil {
				return nil, fmt.Errorf("login_providers[%d].jwks_file: %w", i, err)
			}
		}
		if p.CAFile != "" {
			text, err := os.ReadFile(p.CAFile)
			if err != nil {
				return nil, fmt.Errorf("login_providers[%d].ca_file: %w", i, err)
			}
			provider.Roots = x509.NewCertPool()
			provider.Roots.AppendCertsFromPEM(text) // the configuration holds some
		}
		if p.Kind == loginkey.SAML {
			var err error
			if provider.SAML, err = samlConfig(&p); err != nil {
				return nil, fmt.Errorf("login_providers[%d].%w", i, err)
			}
		}
		out = append(out, provider)
	}
	return out, nil
}

// samlConfig reads the files of a SAML provider, and says what is wrong with them.
func samlConfig(p *config.LoginProvider) (*saml.Config, error) {
	s := &saml.Config{Recipients: p.Recipients, Audiences: p.Audiences}
	var err error
	if s.Metadata, err = os.ReadFile(p.MetadataFile); err != nil {
		return nil, fmt.Errorf("metadata_file: %w", err)
	}
	if p.DecryptionKeysFile != "" {
		if s.DecryptionKeys, err = os.ReadFile(p.DecryptionKeysFile); err != nil {
			return nil, fmt.Errorf("decryption_keys_file: %w", err)
		}
	}
	_, err = saml.New(*s)
	if wrong, ok := errors.AsType[*saml.ConfigError](err); ok {
		return nil, fmt.Errorf("%s: %w", samlKeys[wrong.Field], wrong.Cause)
	}
	return s, err
}

// samlKeys are the keys of the configuration that fill the fields of a saml.Config.
var samlKeys = map[string]string{
	"Metadata": "metadata_file", "DecryptionKeys": "decryption_keys_file", "Recipients": "recipients",
	"Audiences": "audiences",
}

// engineProviders are the login providers as the engine's pools take them.
func engineProviders(c *config.Config) map[string]embedded.Provider {
	all := make(map[string]embedded.Provider, len(c.LoginProviders))
	for _, p := range c.LoginProviders {
		all[p.Provider] = embedded.Provider{Kind: p.Kind, ClientIDs: p.ClientIDs}
	}
	return all
}

// readKeys reads a file with a JWK set, each time that keys are asked for: whoever
// changes them changes the file.
func readKeys(name string) ([]byte, error) {
	const most = 1 << 20
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(text) > most {
		err = errors.New("the key set is larger than 1 MiB")
	}
	return text, err
}

// checkOnline asks each login provider once for its keys and prints a line each. It
// fails if one does not do. The development one has its keys from the broker that it
// is part of, which need not run.
func checkOnline(ctx context.Context, c *config.Config, p process) error {
	prover, err := newProver(c, nil, nil)
	if err != nil {
		return err
	}
	failures := 0
	for i, provider := range c.LoginProviders {
		if provider.Issuer != "" && provider.Issuer == c.DevelopmentIssuer() {
			continue
		}
		found, err := prover.Ask(ctx, provider.Provider)
		verdict := "ok, " + found
		if err != nil {
			failures++
			verdict = "FAIL, " + err.Error()
		}
		fmt.Fprintf(p.stdout, "login_providers[%d] %s: %s\n", i, provider.Provider, verdict)
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d login providers cannot be used", failures, len(c.LoginProviders))
	}
	return nil
}
