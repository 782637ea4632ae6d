package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// newProver proves logins of the providers of the configuration. onFetch may be nil.
func newProver(
	c *config.Config, developmentKeys []byte, onFetch func(provider string, err error),
) (*logins.Prover, error) {
	all, err := providers(c, developmentKeys)
	if err != nil {
		return nil, err
	}
	return logins.New(logins.Config{
		Providers:      all,
		CognitoIssuers: []string{config.AWSIssuer, c.Cognito.Issuer},
		OnFetch:        onFetch,
	})
}

// providers are the login providers; the development one's keys need no fetch. A file
// that one names and that is no good is an error which names its key.
func providers(c *config.Config, developmentKeys []byte) ([]logins.Provider, error) {
	var out []logins.Provider
	for i, p := range c.LoginProviders {
		provider := logins.Provider{
			Name: p.Provider, Issuer: p.Issuer, ClientIDs: p.ClientIDs, Algorithms: p.Algorithms, KeysURL: p.JWKSURI,
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
		out = append(out, provider)
	}
	return out, nil
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

// quietFor is how long the log holds its peace about a provider of which it told.
const quietFor = 10 * time.Minute

// fetchNews tells operators how fetches of login providers' keys end: each in the
// metrics, failures in the log too, one line in ten minutes for a provider, and one
// when it answers again. It is safe for concurrent use.
type fetchNews struct {
	metrics *telemetry.Metrics
	log     *zap.Logger
	now     func() time.Time

	mu     sync.Mutex
	told   map[string]time.Time // when its failure was told last; by provider, of which the configuration has few
	failed map[string]bool
}

func newFetchNews(metrics *telemetry.Metrics, log *zap.Logger) *fetchNews {
	return &fetchNews{metrics: metrics, log: log, now: time.Now, told: map[string]time.Time{}, failed: map[string]bool{}}
}

// fetched is told of a fetch. Nothing in err is secret.
func (n *fetchNews) fetched(provider string, err error) {
	n.metrics.KeyFetch(provider, err == nil)
	n.mu.Lock()
	defer n.mu.Unlock()
	field := zap.String("provider", provider)
	if err == nil {
		if n.failed[provider] {
			n.log.Info("login provider has keys again", field)
		}
		delete(n.failed, provider)
		return
	}
	n.failed[provider] = true
	now := n.now()
	if at, ok := n.told[provider]; ok && now.Sub(at) < quietFor {
		return
	}
	n.told[provider] = now
	n.log.Warn("login provider has no keys for us", field, zap.Error(err))
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
		if provider.Issuer == c.DevelopmentIssuer() {
			continue
		}
		usable, err := prover.Ask(ctx, provider.Provider)
		verdict := fmt.Sprintf("ok, %d usable keys", usable)
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
