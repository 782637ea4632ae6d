package main

import (
	"encoding/json"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/settings"
)

// The units of a broker's settings. What a broker in front of upstream is configured
// with is what decides its answers; of the engine's pools the store says whether they
// were changed.
const (
	unitAll         = "all"       // what every answer rests on
	unitAnyPool     = "pools"     // in front of upstream: any pool is served
	unitPool        = "pool/"     // a pool that is served, or of the engine: whose its logins are
	unitCredentials = "grant/"    // of the engine's pool: what its identities get
	unitProvider    = "provider/" // a login provider
	unitRoles       = "roles"     // of the built-in STS: trust policies and lengths of sessions
	unitSTS         = "sts"       // what credentials come from
)

// digester makes digests of settings, keyed by the fleet's name key.
type digester struct{ names *cache.Namer }

func newDigester(c *config.Config) digester {
	return digester{cache.NewNamer(c.Cache.Redis.NameKey.Bytes())}
}

// of is the digest of values, which have to be such as JSON spells in one way.
func (d digester) of(values ...any) (out settings.Digest) {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts, numbers and truth values always encode
	}
	key := d.names.Key("settings", string(text))
	copy(out[:], key[:])
	return out
}

func (d digester) exact(values ...any) settings.Unit { return settings.Unit{Exact: d.of(values...)} }

// upstreamState is what a broker in front of upstream is configured with.
func upstreamState(c *config.Config, files signers) settings.State {
	d := newDigester(c)
	s := settings.State{unitAll: d.exact(c.Cognito.Region, c.Cognito.AccountID, c.Cognito.Endpoint, c.STS.Endpoint)}
	d.providers(s, c, files)
	if len(c.Pools) == 0 {
		s[unitAnyPool] = d.exact()
	}
	for _, p := range c.Pools {
		// The maps say which claims are part of keys.
		s[unitPool+p.ID] = d.exact(p.DeveloperProviderName, p.RoleMappings, p.PrincipalTags)
	}
	return s
}

// engineState is what a broker on the engine is configured with, and how the pools in
// its store are marked.
func engineState(c *config.Config, files signers, pools []rules.Pool, marks store.Marks) settings.State {
	d := newDigester(c)
	s := settings.State{
		unitAll:   d.exact([]byte(marks.Store), c.Cognito.Region, c.Cognito.AccountID, c.Cognito.Issuer),
		unitRoles: d.exact(sortedRoles(c)),
		unitSTS:   d.sts(c),
	}
	d.providers(s, c, files)
	for _, p := range pools {
		s[unitPool+p.ID] = d.exact([]byte(marks.Logins[p.ID]))
		s[unitCredentials+p.ID] = d.exact([]byte(marks.Credentials[p.ID]))
	}
	return s
}

// providers adds the login providers. All that is configured of one counts, what stands in its
// files too, but that one more client id or key ends nothing, and another secret of the same app
// is told the same.
func (d digester) providers(s settings.State, c *config.Config, files signers) {
	for _, p := range c.LoginProviders {
		core := p
		core.ClientIDs, core.AppSecret = nil, config.Secret{}
		own := files[p.Provider]
		unit := d.exact(core, p.Issuer == c.Cognito.Issuer, own.entity) // whose tokens are refused as Cognito's own
		d.signer(&unit, own)
		for _, id := range p.ClientIDs {
			unit.Allowed = append(unit.Allowed, d.of("client", id))
		}
		s[unitProvider+p.Provider] = unit
	}
}

// sts is what credentials come from. The built-in STS opens its sessions by any of its
// keys; those of one that is gone are of no use.
func (d digester) sts(c *config.Config) settings.Unit {
	unit := d.exact(c.STS.Backend, c.STS.Endpoint)
	for _, k := range c.STS.Keys {
		unit.Allowed = append(unit.Allowed, d.of("key", k.Bytes()))
	}
	return unit
}

// sortedRoles are the roles that the built-in STS is told of, in one order.
func sortedRoles(c *config.Config) []config.Role {
	if c.STS.Backend != config.BackendBuiltin {
		return nil
	}
	return slices.SortedFunc(slices.Values(c.Roles), func(a, b config.Role) int {
		if a.ARN < b.ARN {
			return -1
		}
		return 1
	})
}
