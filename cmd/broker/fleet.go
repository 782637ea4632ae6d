package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/telemetry"
)

var (
	_ flows.Shared   = (*fleet.Fleet)(nil)
	_ flows.Schedule = (*fleet.Fleet)(nil)
	_ fleet.Observer = (*telemetry.Metrics)(nil)
)

// newFleet is this broker's share in the cache that Redis keeps for all; nil where
// none is configured.
func newFleet(c *config.Config, metrics *telemetry.Metrics, log *zap.Logger) (*fleet.Fleet, error) {
	r := &c.Cache.Redis
	if len(r.Addresses) == 0 {
		return nil, nil
	}
	secured, err := redisTLS(r.TLS)
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, len(r.Keys))
	for i, k := range r.Keys {
		keys[i] = k.Bytes()
	}
	f, err := fleet.New(fleet.Config{
		Server: fleet.Server{
			Addresses: r.Addresses, Master: r.Sentinel.Master,
			Username: r.Username, Password: r.Password.Reveal(), TLS: secured,
			DialTimeout: r.DialTimeout, ReadTimeout: r.ReadTimeout, WriteTimeout: r.WriteTimeout, MinReplicas: r.MinReplicas,
		},
		Keys: keys, NameKey: r.NameKey.Bytes(), FenceLife: pendingOf(c), Observer: metrics, Log: log,
	})
	if err == nil {
		metrics.WatchRedis(func() telemetry.RedisState { return telemetry.RedisState(f.Status()) })
	}
	return f, err
}

// pendingOf is how long a fence lasts whose broker died: longer than the change
// within it, which the request's time bounds, with the fence's own steps.
func pendingOf(c *config.Config) time.Duration { return c.Limits.RequestTimeout + 10*time.Second }

// redisTLS is how Redis is spoken to; nil: in clear.
func redisTLS(t config.TLS) (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("cache.redis.tls.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("cache.redis.tls.ca_file: holds no certificate; expected PEM")
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("cache.redis.tls.cert_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// entryNames makes the names of entries: the same in all brokers of a fleet that
// answer in the same way. A broker on the engine keeps entries of its own beside
// those of the brokers in front of it, whose exchanges it makes: they would wait
// for one another otherwise.
func entryNames(c *config.Config) *cache.Namer {
	if len(c.Cache.Redis.Addresses) == 0 {
		return cache.NewNamer(nil)
	}
	mac := hmac.New(sha256.New, c.Cache.Redis.NameKey.Bytes())
	mac.Write([]byte("entries of " + c.Cognito.Backend))
	return cache.NewNamer(mac.Sum(nil))
}

// ready adds to what the backend says what is wrong with the fleet's Redis. Misses
// are answered without it.
func (b *broker) ready(ctx context.Context) []httpapi.Reason {
	reasons := b.backend.ready(ctx)
	if b.fleet == nil {
		return reasons
	}
	if trouble := b.fleet.Health(); trouble != "" {
		reasons = append(reasons, httpapi.Reason{Part: "redis", Reason: trouble, Degraded: true})
	}
	return reasons
}
