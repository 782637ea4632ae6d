package main

import (
	"sync"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// providerEvents tells operators what happens to login providers: how each fetch of keys
// or question ends in the metrics, and changes in the log, each once: a provider that goes
// down, one that is back, one that has other keys. It is safe for concurrent use.
type providerEvents struct {
	metrics *telemetry.Metrics
	log     *zap.Logger

	mu     sync.Mutex
	down   map[string]bool // by provider, of which the configuration has few
	silent map[string]bool // likewise
}

func newProviderEvents(metrics *telemetry.Metrics, log *zap.Logger) *providerEvents {
	return &providerEvents{metrics: metrics, log: log, down: map[string]bool{}, silent: map[string]bool{}}
}

// fetched is told of a fetch of a provider's keys and, where it failed, why. Nothing in err
// is secret.
func (p *providerEvents) fetched(provider string, err error) {
	p.metrics.KeyFetch(provider, err == nil)
	p.tell(p.down, provider, err, "login provider has no keys for us", "login provider has keys again")
}

// asked is told of a question to a provider about an access token and, where there was no
// answer, why. Nothing in err is secret.
func (p *providerEvents) asked(provider string, err error) {
	p.metrics.LoginQuestion(err == nil)
	p.tell(p.silent, provider, err, "login provider does not say whose access tokens are",
		"login provider says again whose access tokens are")
}

// tell logs when something begins to fail for a provider, and when it is over.
func (p *providerEvents) tell(failing map[string]bool, provider string, err error, begins, ends string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := failing[provider]
	failing[provider] = err != nil
	switch {
	case err != nil && !before:
		p.log.Warn(begins, zap.String("provider", provider), zap.Error(err))
	case err == nil && before:
		p.log.Info(ends, zap.String("provider", provider))
	}
}

// changed is told of keys that a provider has since a fetch, and of those that it has no more.
func (p *providerEvents) changed(provider string, added, gone int) {
	p.log.Info("login provider has other keys", zap.String("provider", provider), zap.Int("added", added),
		zap.Int("gone", gone))
}

// tellOwed tells the log when changes could not be told to the fleet, and when all were.
func tellOwed(log *zap.Logger) func(owed bool) {
	return func(owed bool) {
		if owed {
			log.Warn("redis could not be told what changes have ended: it is as soon as it can be reached")
		} else {
			log.Info("redis was told what changes have ended")
		}
	}
}

// tellIssuer has an issuer tell the log of its signing keys: of each that replaces another,
// and of a store that fails, when it begins and when it is over.
func tellIssuer(c *issuer.Config, log *zap.Logger) {
	var mu sync.Mutex
	failing := false
	c.OnRotation = func(keyID string) { log.Info("signing key rotated", zap.String("key", keyID)) }
	c.OnFailure = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if !failing {
			log.Error("signing keys cannot be tended; tokens go on being signed by the present one", zap.Error(err))
		}
		failing = true
	}
	c.OnRecovery = func() {
		mu.Lock()
		defer mu.Unlock()
		failing = false
		log.Info("signing keys are tended again")
	}
}
