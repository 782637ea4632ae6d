package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

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

func callersOf(c *config.Config) (*callers.Registry, error) {
	var configs []callers.Config
	for _, caller := range c.Callers {
		one := callers.Config{Name: caller.Name, Pools: caller.Pools, PassRoles: caller.PassRoles}
		for _, key := range caller.AllAccessKeys() {
			one.AccessKeys = append(one.AccessKeys, callers.AccessKey{ID: key.AccessKeyID, Secret: key.SecretAccessKey.Reveal()})
		}
		for _, digest := range caller.APIKeyDigests() {
			one.APIKeys = append(one.APIKeys, digest)
		}
		for _, scope := range caller.Scopes {
			one.Scopes = append(one.Scopes, callers.Scope(scope))
		}
		configs = append(configs, one)
	}
	registry, err := callers.New(c.Cognito.AccountID, configs)
	if err != nil {
		return nil, fmt.Errorf("callers: %w", err)
	}
	return registry, nil
}

// servedPools limits a broker before real Cognito to the pools that are named.
// The engine knows its own.
func servedPools(c *config.Config) []string {
	if c.Cognito.Backend != config.BackendAWS {
		return nil
	}
	var ids []string
	for _, p := range c.Pools {
		ids = append(ids, p.ID)
	}
	return ids
}

func developerNames(c *config.Config) map[string]string {
	names := map[string]string{}
	for _, p := range c.Pools {
		names[p.ID] = p.DeveloperProviderName
	}
	return names
}

// mappedClaims are the claims that the configuration's role mappings and tag maps name, by pool.
func mappedClaims(c *config.Config) map[string][]string {
	mapped := map[string][]string{}
	for _, p := range c.Pools {
		for _, m := range p.RoleMappings {
			for _, r := range m.RulesConfiguration.Rules {
				mapped[p.ID] = append(mapped[p.ID], r.Claim)
			}
		}
		for _, m := range p.PrincipalTags {
			mapped[p.ID] = slices.AppendSeq(mapped[p.ID], maps.Values(m.PrincipalTags))
		}
	}
	return mapped
}

// trustPolicies are those of the roles that have one, for the built-in STS.
func trustPolicies(c *config.Config) (map[string]*trust.Policy, error) {
	if c.STS.Backend != config.BackendBuiltin {
		return nil, nil
	}
	policies := map[string]*trust.Policy{}
	for i, r := range c.Roles {
		if r.TrustPolicy == "" {
			continue
		}
		policy, err := trust.Parse(r.TrustPolicy)
		if err != nil {
			return nil, fmt.Errorf("roles[%d].trust_policy: %w", i, err)
		}
		policies[r.ARN] = policy
	}
	return policies, nil
}

// maxSession is the longest session of a role; zero for a role that is not
// listed, which has STS's own bound.
func maxSession(c *config.Config) func(role string) time.Duration {
	longest := map[string]time.Duration{}
	for _, r := range c.Roles {
		longest[r.ARN] = r.MaxSessionDuration
	}
	return func(role string) time.Duration { return longest[role] }
}

// conditionsAlone is how many requests are known to be answerable from Redis again where
// memory keeps no answers.
const conditionsAlone = 100_000

// newMemo remembers as many answers as memory keeps entries. Where it keeps none, it
// remembers who may be answered from Redis.
func newMemo(maxEntries int) (*cache.Memo, error) {
	if maxEntries == 0 {
		return cache.NewMemo(conditionsAlone, false)
	}
	return cache.NewMemo(maxEntries, true)
}
