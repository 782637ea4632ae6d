package main

import (
	"errors"
	"slices"

	"github.com/cognito-broker/broker/internal/config"
)

// settings are what an app, a backend and an administrator would know of the
// broker, read from its configuration.
type settings struct {
	pool              string
	region            string
	issuer            string // of Cognito's OpenID tokens
	users             string // ARN of the role of users
	developerProvider string
	backend           config.Caller // scopes developer and admin
}

// readSettings takes the first pool and the first caller that may do all.
func readSettings(path string, environ []string) (settings, error) {
	c, err := config.Load(path, environ)
	if err != nil {
		return settings{}, err
	}
	if len(c.Pools) == 0 {
		return settings{}, errors.New("the configuration has no pool")
	}
	p := c.Pools[0]
	all := slices.IndexFunc(c.Callers, func(who config.Caller) bool {
		return slices.Contains(who.Scopes, "developer") && slices.Contains(who.Scopes, "admin") &&
			slices.Contains(who.Pools, config.AnyPool)
	})
	if all < 0 {
		return settings{}, errors.New("the configuration has no caller with scopes developer and admin for all pools")
	}
	return settings{
		pool: p.ID, region: c.Cognito.Region, issuer: c.Cognito.Issuer, users: p.Roles.Authenticated,
		developerProvider: p.DeveloperProviderName, backend: c.Callers[all],
	}, nil
}
