package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/settings"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// Concrete meets concrete here and nowhere else.
var (
	_ cognito.API       = (*embedded.Engine)(nil)
	_ cognito.API       = (*upstream.Backend)(nil)
	_ flows.Directory   = (*embedded.Engine)(nil)
	_ flows.Directory   = (*upstream.Directory)(nil)
	_ flows.TokenReader = (*embedded.Engine)(nil)
	_ flows.Rechecker   = (*embedded.Engine)(nil)
	_ flows.Rechecker   = upstream.Users(nil)
	_ flows.Prover      = (*logins.Prover)(nil)
	_ flows.Observer    = (*telemetry.Metrics)(nil)
	_ flows.Guests      = (*guests)(nil)
	_ flows.Exchanges   = (*exchanges)(nil)
	_ embedded.Prover   = (*logins.Prover)(nil)
	_ issuer.Keys       = (*store.Store)(nil)
	_ sts.Assumer       = (*sts.Builtin)(nil)
	_ sts.Assumer       = (*sts.Minted)(nil)
	_ sts.API           = (*sts.Local)(nil)
	_ sts.API           = (*sts.Remote)(nil)
	_ sts.Trust         = (*embedded.Engine)(nil)
	_ awswire.Sessions  = (*sts.Builtin)(nil)
	_ httpapi.Issuer    = (*issuer.Issuer)(nil)
	_ httpapi.Explainer = (*embedded.Engine)(nil)
	_ cache.Proof       = (*logins.Proof)(nil)
	_ logins.Allowance  = (*cache.Allowance)(nil)
)

// broker is everything that runs.
type broker struct {
	backend   *backend
	memory    *cache.Memory
	memo      *cache.Memo
	fleet     *fleet.Fleet // nil: the cache is this process's own
	settler   *settler     // likewise
	guests    *guests
	exchanges *exchanges
	wrong     *wrongKeys
	prover    *logins.Prover
	flows     *flows.Service
	http      *httpapi.Server
}

// backend is what answers Cognito's and STS's operations: the engine, or AWS.
type backend struct {
	api       cognito.API
	directory flows.Directory
	learns    *upstream.Directory // nil: it knows by itself
	tokens    flows.TokenReader   // nil: only the backend reads its tokens
	rechecks  flows.Rechecker     // nil: it takes what is proved
	sts       sts.API
	sessions  awswire.Sessions  // nil: sessions are not ours
	issuer    httpapi.Issuer    // nil: tokens are not ours
	explainer httpapi.Explainer // nil: decisions are not ours
	run       []func(ctx context.Context) error
	ready     func(ctx context.Context) []httpapi.Reason
	close     func() error
	state     func(ctx context.Context) (settings.State, error) // what it answers by
	settings  *engineSettings                                   // nil: none of its own
}

func build(ctx context.Context, c *config.Config, log *zap.Logger) (*broker, error) {
	b := &broker{}
	if err := b.assemble(ctx, c, log); err != nil {
		if b.backend != nil {
			err = errors.Join(err, b.backend.close())
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
	b.prover, err = newProver(c, keys, newProviderEvents(metrics, log))
	if err != nil {
		return fmt.Errorf("login providers: %w", err)
	}
	if c.Cognito.Backend == config.BackendAWS {
		b.backend, err = upstreamBackend(ctx, c)
	} else {
		b.backend, err = engineBackend(ctx, c, b.prover, log)
	}
	if err != nil {
		return err
	}
	if err := b.buildFlows(ctx, c, metrics, log); err != nil {
		return err
	}
	return b.buildEdge(c, metrics, log, development)
}

func (b *broker) buildFlows(
	ctx context.Context, c *config.Config, metrics *telemetry.Metrics, log *zap.Logger,
) (err error) {
	if b.memory, err = cache.NewMemory(c.Cache.Memory.MaxEntries, nil); err != nil {
		return err
	}
	if b.memo, err = newMemo(c.Cache.Memory.MaxEntries); err != nil {
		return err
	}
	if b.fleet, err = newFleet(c, metrics, log); err != nil {
		return err
	}
	if b.fleet != nil && b.backend.learns != nil {
		b.backend.share(b.fleet.Identities())
	}
	if err := b.buildSettler(ctx, c, log); err != nil {
		return err
	}
	epochs := cache.NewEpochs()
	metrics.WatchFences(func() telemetry.FenceCounts { return telemetry.FenceCounts(epochs.Fences()) })
	fc := flows.Config{
		Next: b.backend.api, STS: b.backend.sts, Prover: b.prover, Tokens: b.backend.tokens, Directory: b.backend.directory,
		Rechecks: b.backend.rechecks,
		Pools:    servedPools(c), DeveloperNames: developerNames(c),
		Memory: b.memory, Epochs: epochs, Names: entryNames(c),
		Floors: floors(c), RenewIdle: c.Cache.RenewIdle, Observer: metrics,
		Unreadable: func(pool string, err error) {
			log.Warn("a pool's changes end its cache for longer than they must: it may not be read", zap.String("pool", pool),
				zap.Error(err))
		},
		Owed:    tellOwed(log),
		Timeout: c.Limits.RequestTimeout, MaxRenewals: c.Cache.Memory.MaxEntries,
	}
	if b.fleet != nil {
		fc.Epochs.ShareWith(b.fleet)
		b.fleet.OnInvalidation(fc.Epochs.End)
		fc.Shared, fc.Schedule, fc.Settings = b.fleet, b.fleet, b.settler
	}
	if c.Limits.Guests.PerMinute > 0 {
		if b.guests, err = newGuests(c.Limits.Guests, b.fleet); err != nil {
			return err
		}
		fc.Guests = b.guests
	}
	if err := b.limitExchanges(&fc, c.Limits.Exchanges); err != nil {
		return err
	}
	if fc.Refusals, err = newRefusals(c.Limits.RefusedChanges); err != nil {
		return err
	}
	b.flows = flows.New(fc)
	metrics.WatchPendingFences(func() telemetry.PendingFences { return telemetry.PendingFences(b.flows.PendingFences()) })
	if b.backend.settings != nil {
		b.backend.settings.fence = b.flows.Fence
	}
	return nil
}

func (b *broker) buildEdge(
	c *config.Config, metrics *telemetry.Metrics, log *zap.Logger, development *httpapi.Development,
) error {
	known, err := callersOf(c)
	if err != nil {
		return err
	}
	poolOf := func(ctx context.Context, id string) (string, bool, error) {
		pool, _, ok, err := b.backend.directory.Identity(ctx, id)
		return pool, ok, err
	}
	if b.wrong, err = newWrongKeys(c.Limits.WrongKeys, metrics, log); err != nil {
		return err
	}
	wire := awswire.New(awswire.Config{
		API: b.flows, STS: b.backend.sts, Sessions: b.backend.sessions, Callers: known, Failed: b.wrong.Note, PoolOf: poolOf,
		AccountID: c.Cognito.AccountID, Now: time.Now, RequestID: httpapi.NewRequestID,
	})
	b.http = httpapi.New(httpapi.Config{
		Flows: b.flows, Wire: wire, Memo: b.memo, Clients: clients(c), Metrics: metrics, Log: log,
		Ready: b.ready, Development: development, Issuer: b.backend.issuer, Explainer: b.backend.explainer,
		Callers: known, Failed: b.wrong.Note, PoolOf: poolOf, AccountID: c.Cognito.AccountID,
		TrustedProxies: c.Limits.TrustedProxies,
		PublicURL:      c.PublicURL, Hosts: c.GoodHosts(), Origins: c.CORS.Origins, CallerOrigins: c.CORS.CallerOrigins,
		BodyBytes: c.Limits.BodyBytes, BodyMemory: c.Limits.BodyMemory, RequestTimeout: c.Limits.RequestTimeout,
		Connections: c.Limits.Connections, ConnectionsPerAddress: c.Limits.ConnectionsPerAddress,
	})
	return nil
}

// buildSettler prepares for a fleet, or notes for later that there is none.
func (b *broker) buildSettler(ctx context.Context, c *config.Config, log *zap.Logger) (err error) {
	if b.fleet != nil {
		b.settler, err = newSettler(ctx, b.fleet, c.Cognito.Backend, b.backend, log)
		return err
	}
	if b.backend.settings != nil {
		return b.backend.settings.alone(ctx)
	}
	return nil
}

// join makes the broker one of its fleet, until leave, which returns when the others
// wait for it no more.
func (b *broker) join() (leave func()) {
	if b.fleet == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = b.fleet.Run(ctx) }) // which fails never
	return func() { stop(); running.Wait() }
}

// settle lets the broker serve: what its configuration changed has been ended.
func (b *broker) settle(ctx context.Context) error {
	if b.settler == nil {
		return nil
	}
	return b.settler.begin(ctx)
}

// run keeps what runs beside the requests going until ctx ends.
func (b *broker) run() []func(ctx context.Context) error {
	all := append([]func(ctx context.Context) error{b.prover.Run, b.flows.Run, b.wrong.Run}, b.backend.run...)
	if b.settler != nil {
		all = append(all, b.settler.run)
	}
	return all
}

// close ends what runs behind the listener, in the order in which it leans on
// one another.
func (b *broker) close(ctx context.Context) error {
	err := errors.Join(b.flows.Close(ctx), b.backend.close())
	if b.fleet != nil {
		err = errors.Join(err, b.fleet.Close())
	}
	b.flows.Refusals.Close()
	b.memory.Close()
	b.memo.Close()
	if b.guests != nil {
		b.guests.own.Close()
	}
	if b.exchanges != nil {
		b.exchanges.own.Close()
	}
	b.wrong.close()
	return err
}
