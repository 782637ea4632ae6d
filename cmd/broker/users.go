package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/userpool"
)

var _ embedded.UserChecker = (*userpool.Checker)(nil)

// engineUsers are userCheckers as the engine takes them.
func engineUsers(ctx context.Context, c *config.Config) (map[string]embedded.UserChecker, error) {
	users, err := userCheckers(ctx, c)
	all := make(map[string]embedded.UserChecker, len(users))
	for provider, checker := range users {
		all[provider] = checker
	}
	return all, err
}

// userCheckers ask the user pools that the configuration lets them ask. Nobody is asked yet.
func userCheckers(ctx context.Context, c *config.Config) (upstream.Users, error) {
	all := upstream.Users{}
	for i, p := range c.LoginProviders {
		if !p.AdminGetUser {
			continue
		}
		uc := userPoolConfig(&p, c.Cognito.Region)
		var err error
		if uc.Credentials, err = upstream.LoadCredentials(ctx, uc.Region); err != nil {
			return nil, fmt.Errorf("login_providers[%d].admin_get_user: %w", i, err)
		}
		if all[p.Provider], err = userpool.New(uc); err != nil {
			return nil, fmt.Errorf("login_providers[%d].admin_get_user: %w", i, err)
		}
	}
	return all, nil
}

// userPoolConfig says where a user pool is asked. An emulator's is asked where its name says,
// and is of no region.
func userPoolConfig(p *config.LoginProvider, region string) userpool.Config {
	host, pool, _ := strings.Cut(p.Provider, "/")
	uc := userpool.Config{Region: region, Pool: pool, Endpoint: p.Endpoint}
	if real, ok := loginkey.UserPoolOf(p.Provider); ok {
		uc.Region, host = real.Region, real.Host
	}
	switch {
	case uc.Endpoint != "":
	case loginkey.EmulatedPool(p.Provider):
		uc.Endpoint = "http://" + host
	default:
		uc.Endpoint = "https://" + host
	}
	return uc
}
