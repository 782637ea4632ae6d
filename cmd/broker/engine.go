package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

// engineBackend is the embedded engine, with its own STS or before a real one.
func engineBackend(
	ctx context.Context, c *config.Config, prover *logins.Prover, log *zap.Logger,
) (*backend, error) {
	s, err := store.Open(ctx, c.Cognito.Store)
	if err != nil {
		return nil, err
	}
	kept, err := keptPools(ctx, s)
	if err == nil {
		err = checkDeveloperProviders(c, kept)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, w := range keptSettings(c, kept) {
		log.Warn(w.Text, zap.String("key", w.Path))
	}
	b, err := engineOn(ctx, c, prover, s, log)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return b, nil
}

func engineOn(
	ctx context.Context, c *config.Config, prover *logins.Prover, s *store.Store, log *zap.Logger,
) (*backend, error) {
	ic := issuerConfig(c, s)
	tellIssuer(&ic, log)
	tokens, err := issuer.New(ctx, ic)
	if err != nil {
		return nil, fmt.Errorf("openid issuer: %w", err)
	}
	b := &backend{
		issuer: tokens, run: []func(context.Context) error{tokens.Run},
		ready: storeReady(s), close: s.Close,
	}
	files, err := signersOf(c)
	if err != nil {
		return nil, err
	}
	b.settings = &engineSettings{config: c, files: files, store: s}
	b.state = b.settings.state
	var engine *embedded.Engine
	assumer, err := b.engineSTS(ctx, c, s, func() *embedded.Engine { return engine })
	if err != nil {
		return nil, err
	}
	policies, err := trustPolicies(c)
	if err != nil {
		return nil, err
	}
	users, err := engineUsers(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, path := range c.UncheckedClients() {
		log.Warn(unchecked, zap.String("key", path))
	}
	engine, err = embedded.New(ctx, embedded.Config{
		Store: s, Prover: prover, Providers: engineProviders(c), Users: users,
		UsersUnchecked: c.Mode == config.ModeDevelopment, Issuer: tokens, STS: assumer,
		AccountID: c.Cognito.AccountID, Region: c.Cognito.Region, Limits: c.Cognito.Limits, Trust: policies,
	})
	if err != nil {
		return nil, err
	}
	if builtin, ok := assumer.(*sts.Builtin); ok {
		b.sessions = builtin
		b.sts = sts.NewLocal(sts.LocalConfig{STS: builtin, Trust: engine, MaxSession: maxSession(c)})
	}
	b.api, b.directory, b.tokens, b.rechecks, b.explainer = engine, engine, engine, engine, engine
	b.run = append(b.run, engine.Run)
	configured, err := pools(c)
	if err != nil {
		return nil, err
	}
	return b, engine.ApplyPools(ctx, configured)
}

// issuerConfig is what the issuer of the engine's tokens works with.
func issuerConfig(c *config.Config, s *store.Store) issuer.Config {
	return issuer.Config{
		Issuer: c.Cognito.Issuer, PublicURL: c.PublicURL, Region: c.Cognito.Region,
		Keys: s, Rotation: c.Cognito.SigningRotation,
	}
}

// engineSTS is what the engine gets credentials from: the built-in STS, or a real
// one that takes the engine's tokens. The engine itself comes into being after it.
func (b *backend) engineSTS(
	ctx context.Context, c *config.Config, s *store.Store, engine func() *embedded.Engine,
) (sts.Assumer, error) {
	if c.STS.Backend == config.BackendBuiltin {
		return builtinSTS(ctx, c, s)
	}
	remote, err := remoteSTS(c)
	if err != nil {
		return nil, err
	}
	b.sts = remote
	return sts.NewMinted(remote, func(ctx context.Context, id sts.WebIdentity) (string, error) {
		return engine().Mint(ctx, id)
	}), nil
}

func builtinSTS(ctx context.Context, c *config.Config, s *store.Store) (*sts.Builtin, error) {
	var keys [][]byte
	for _, k := range c.STS.Keys {
		keys = append(keys, k.Bytes())
	}
	if len(keys) == 0 {
		key, err := s.OwnSecret(ctx, "sts-key", 32)
		if err != nil {
			return nil, err
		}
		keys = [][]byte{key}
	}
	return sts.NewBuiltin(sts.BuiltinConfig{Keys: keys, AccountID: c.Cognito.AccountID, Now: time.Now, Rand: rand.Reader})
}

// storeReady says what keeps misses from being answered, some or all.
func storeReady(s *store.Store) func(ctx context.Context) []httpapi.Reason {
	return func(ctx context.Context) []httpapi.Reason {
		if err := s.View(ctx, func(tx *store.Tx) error { _, _, err := tx.Secret("none"); return err }); err != nil {
			return []httpapi.Reason{{Part: "store", Reason: "the identity store cannot be read"}}
		}
		if !s.Writable() { // who is known is answered all the same
			return []httpapi.Reason{{Part: "store", Reason: "the identity store takes no writes", Degraded: true}}
		}
		return nil
	}
}

// explainer is an engine that only explains: over a store that another broker may
// write to, with the issuer's keys as they are there.
func explainer(ctx context.Context, c *config.Config, s *store.Store, prover *logins.Prover) (*embedded.Engine, error) {
	tokens, err := issuer.New(ctx, issuerConfig(c, s))
	if err != nil {
		return nil, fmt.Errorf("openid issuer: %w", err)
	}
	policies, err := trustPolicies(c)
	if err != nil {
		return nil, err
	}
	users, err := engineUsers(ctx, c)
	if err != nil {
		return nil, err
	}
	return embedded.New(ctx, embedded.Config{
		Store: s, Prover: prover, Providers: engineProviders(c), Users: users,
		UsersUnchecked: c.Mode == config.ModeDevelopment, Issuer: tokens, AccountID: c.Cognito.AccountID,
		Region: c.Cognito.Region, Trust: policies,
	})
}
