package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// Concrete meets concrete here and nowhere else.
var (
	_ cognito.API      = (*embedded.Engine)(nil)
	_ flows.Directory  = (*embedded.Engine)(nil)
	_ flows.Prover     = (*logins.Prover)(nil)
	_ flows.Observer   = (*telemetry.Metrics)(nil)
	_ embedded.Prover  = (*logins.Prover)(nil)
	_ sts.Assumer      = (*sts.Builtin)(nil)
	_ awswire.Sessions = (*sts.Builtin)(nil)
	_ cache.Holder     = (*logins.Proof)(nil)
)

// broker is everything that runs.
type broker struct {
	store  *store.Store
	memory *cache.Memory
	memo   *cache.Memo
	prover *logins.Prover
	flows  *flows.Service
	http   *httpapi.Server
}

func build(ctx context.Context, c *config.Config, log *zap.Logger) (*broker, error) {
	b := &broker{}
	if err := b.assemble(ctx, c, log); err != nil {
		if b.store != nil {
			err = errors.Join(err, b.store.Close())
		}
		return nil, err
	}
	return b, nil
}

func (b *broker) assemble(ctx context.Context, c *config.Config, log *zap.Logger) error {
	metrics := telemetry.NewMetrics()
	development, keys, err := developmentProvider(c)
	if err != nil {
		return err
	}
	b.prover, err = logins.New(logins.Config{
		Providers:      providers(c, keys),
		CognitoIssuers: []string{"https://cognito-identity.amazonaws.com", issuer(c)},
		OnFetch:        metrics.KeyFetch,
	})
	if err != nil {
		return fmt.Errorf("login providers: %w", err)
	}
	if b.store, err = store.Open(ctx, c.Cognito.Store); err != nil {
		return err
	}
	builtin, err := builtinSTS(ctx, c, b.store)
	if err != nil {
		return err
	}
	engine, err := embedded.New(ctx, embedded.Config{
		Store: b.store, Prover: b.prover, STS: builtin, AccountID: c.Cognito.AccountID,
	})
	if err != nil {
		return err
	}
	if err := engine.ApplyPools(ctx, pools(c)); err != nil {
		return err
	}
	if b.memory, err = cache.NewMemory(c.Cache.Memory.MaxEntries, nil); err != nil {
		return err
	}
	if b.memo, err = cache.NewMemo(c.Cache.Memory.MaxEntries); err != nil {
		return err
	}
	b.flows = flows.New(flows.Config{
		Next: engine, Prover: b.prover, Directory: engine,
		Memory: b.memory, Epochs: cache.NewEpochs(), Names: cache.NewNamer(nil),
		Floors: floors(c), Observer: metrics,
		Timeout: c.Limits.RequestTimeout,
	})
	b.http = httpapi.New(httpapi.Config{
		Flows: b.flows,
		Wire: awswire.New(awswire.Config{
			API: b.flows, Sessions: builtin, Now: time.Now, RequestID: httpapi.NewRequestID,
		}),
		Memo: b.memo, Clients: clients(c), Metrics: metrics, Log: log,
		Ready: b.ready, Development: development,
		BodyBytes: c.Limits.BodyBytes, RequestTimeout: c.Limits.RequestTimeout,
	})
	return nil
}

// ready says what keeps misses from being answered.
func (b *broker) ready(ctx context.Context) []httpapi.Reason {
	if err := b.store.View(ctx, func(tx *store.Tx) error { _, _, err := tx.Secret("none"); return err }); err != nil {
		return []httpapi.Reason{{Part: "store", Reason: "the identity store cannot be read"}}
	}
	return nil
}

// close ends what runs behind the listener, in the order in which it leans on
// one another.
func (b *broker) close(ctx context.Context) error {
	err := errors.Join(b.flows.Close(ctx), b.store.Close())
	b.memory.Close()
	b.memo.Close()
	return err
}

// developmentProvider returns the documents of the development identity
// provider and its keys, or nothing in production.
func developmentProvider(c *config.Config) (*httpapi.Development, []byte, error) {
	issuer := c.DevelopmentIssuer()
	if issuer == "" {
		return nil, nil, nil
	}
	key, err := devidp.LoadOrCreateKey(c.DevelopmentKeyFile())
	if err != nil {
		return nil, nil, fmt.Errorf("development identity provider: %w", err)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, nil, fmt.Errorf("development identity provider: %w", err)
	}
	return &httpapi.Development{Path: u.Path, Discovery: devidp.Discovery(issuer), Keys: key.JWKS()}, key.JWKS(), nil
}

// providers are the login providers; the development one's keys need no fetch.
func providers(c *config.Config, developmentKeys []byte) []logins.Provider {
	var out []logins.Provider
	for _, p := range c.LoginProviders {
		provider := logins.Provider{Name: p.Provider, Issuer: p.Issuer, ClientIDs: p.ClientIDs}
		if p.Issuer == c.DevelopmentIssuer() && developmentKeys != nil {
			provider.Keys = func(context.Context) ([]byte, error) { return developmentKeys, nil }
		}
		out = append(out, provider)
	}
	return out
}

func issuer(c *config.Config) string {
	if c.Cognito.Issuer != "" {
		return c.Cognito.Issuer
	}
	return c.PublicURL
}

// secretSTS names the built-in STS's key in the store.
const secretSTS = "sts-key"

func builtinSTS(ctx context.Context, c *config.Config, s *store.Store) (*sts.Builtin, error) {
	var keys [][]byte
	for _, k := range c.STS.Keys {
		keys = append(keys, k.Bytes())
	}
	if len(keys) == 0 {
		key, err := ownKey(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("make sts key: %w", err)
		}
		keys = [][]byte{key}
	}
	return sts.NewBuiltin(sts.BuiltinConfig{Keys: keys, AccountID: c.Cognito.AccountID, Now: time.Now, Rand: rand.Reader})
}

// ownKey is the key made once and kept in the store.
func ownKey(ctx context.Context, s *store.Store) (key []byte, err error) {
	err = s.Update(ctx, func(tx *store.Tx) error {
		kept, ok, err := tx.Secret(secretSTS)
		if err != nil || ok {
			key = kept
			return err
		}
		key = make([]byte, 32)
		rand.Read(key)
		return tx.PutSecret(secretSTS, key)
	})
	return key, err
}

func pools(c *config.Config) []rules.Pool {
	var out []rules.Pool
	for _, p := range c.Pools {
		out = append(out, rules.Pool{
			ID: p.ID, Name: p.Name,
			AllowGuests: p.AllowUnauthenticatedIdentities, AllowClassic: p.AllowClassicFlow,
			DeveloperProvider: p.DeveloperProviderName, OIDCProviderARNs: p.OpenIDConnectProviderARNs,
			Roles: rules.Roles{Authenticated: p.Roles.Authenticated, Unauthenticated: p.Roles.Unauthenticated},
		})
	}
	return out
}

func floors(c *config.Config) flows.Floors {
	f := flows.Floors{Default: c.Cache.MinRemaining, Pools: map[string]time.Duration{}}
	for _, p := range c.Pools {
		f.Pools[p.ID] = p.MinRemaining
	}
	return f
}

func clients(c *config.Config) []httpapi.Client {
	var out []httpapi.Client
	for _, client := range c.Cache.Clients {
		out = append(out, httpapi.Client{UserAgent: client.UserAgent, MinRemaining: client.MinRemaining})
	}
	return out
}
