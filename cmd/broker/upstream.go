package main

import (
	"context"
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/settings"
	"github.com/cognito-broker/broker/internal/sts"
)

// upstreamBackend is real Cognito and STS, or whatever stands at the endpoints.
func upstreamBackend(ctx context.Context, c *config.Config) (*backend, error) {
	credentials, err := upstream.LoadCredentials(ctx, c.Cognito.Region)
	if err != nil {
		return nil, fmt.Errorf("credentials of cognito.backend aws: %w", err)
	}
	cognito, err := upstream.New(upstream.Config{
		Region: c.Cognito.Region, Endpoint: c.Cognito.Endpoint, Pools: servedPools(c), Mapped: mappedClaims(c),
		Credentials: credentials,
	})
	if err != nil {
		return nil, fmt.Errorf("cognito: %w", err)
	}
	users, err := userCheckers(ctx, c)
	if err != nil {
		return nil, err
	}
	remote, err := remoteSTS(c)
	if err != nil {
		return nil, err
	}
	files, err := signersOf(c)
	if err != nil {
		return nil, err
	}
	b := &backend{
		api: cognito, directory: cognito.Directory(), learns: cognito.Directory(), sts: remote,
		// Upstream's health is not asked for: it would cost its quota, and warm
		// users are served without it.
		ready: func(context.Context) []httpapi.Reason { return nil },
		close: func() error { return nil },
		state: func(context.Context) (settings.State, error) { return upstreamState(c, files), nil },
	}
	if len(users) > 0 {
		b.rechecks = users
	}
	return b, nil
}

// remoteSTS is AWS's STS, or whatever stands at the endpoint.
func remoteSTS(c *config.Config) (*sts.Remote, error) {
	remote, err := sts.NewRemote(sts.RemoteConfig{Region: c.Cognito.Region, Endpoint: c.STS.Endpoint,
		HTTPClient: upstream.NewHTTPClient()})
	if err != nil {
		return nil, fmt.Errorf("sts: %w", err)
	}
	return remote, nil
}
