package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

var region = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]{1,16})+-[0-9]{1,2}$`)

func (c *Config) checkCognito() error {
	g := &c.Cognito
	return firstOf(
		func() error { return oneOf("cognito.backend", g.Backend, BackendEmbedded, BackendAWS) },
		func() error {
			return form("cognito.region", region.MatchString(g.Region), "a region such as us-east-1")
		},
		func() error {
			return form("cognito.account_id", consists(g.AccountID, digits, 12, 12), "12 digits, in quotes")
		},
		c.deriveIssuer,
		func() error {
			return lasting("cognito.signing_rotation", g.SigningRotation, time.Hour, 87600*time.Hour)
		},
		c.checkStore,
		func() error { return endpoint("cognito.endpoint", g.Endpoint, g.Backend) },
		g.checkLimits,
	)
}

// deriveIssuer checks the issuer of Cognito's tokens, or finds out which it is:
// AWS's has always been the same, what stands at an endpoint is another broker,
// usually of one fleet and so under the same public URL.
func (c *Config) deriveIssuer() error {
	g := &c.Cognito
	atAWS := g.Backend == BackendAWS && g.Endpoint == ""
	switch {
	case g.Issuer != "" && atAWS:
		return refuse("cognito.issuer", "does nothing under backend: aws without an endpoint", `"", or cognito.endpoint`)
	case g.Issuer != "":
		return checkURL("cognito.issuer", g.Issuer)
	case atAWS:
		g.Issuer = AWSIssuer
	default:
		g.Issuer = c.PublicURL
	}
	return nil
}

// maxRate is past what anybody would call a limit.
const maxRate = 100_000

// checkLimits checks the engine's quotas; real Cognito has its own.
func (g *Cognito) checkLimits() error {
	if len(g.Limits) > 0 && g.Backend != BackendEmbedded {
		return refuse("cognito.limits", "does nothing without backend: embedded", "{}, or backend: embedded")
	}
	for _, operation := range slices.Sorted(maps.Keys(g.Limits)) {
		if rate := g.Limits[operation]; rate <= 0 || rate > maxRate {
			return refuse(join("cognito.limits", operation), "is out of range",
				"more than 0, at most 100000 requests per second")
		}
	}
	return nil
}

func (c *Config) checkStore() error {
	store := c.Cognito.Store
	if store == "" || strings.ContainsFunc(store, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refuse("cognito.store", "is not the name of a file", `a file, or ":memory:"`)
	}
	return nil
}

func (c *Config) checkSTS() error {
	s := &c.STS
	return firstOf(
		func() error { return oneOf("sts.backend", s.Backend, BackendBuiltin, BackendAWS) },
		func() error {
			// AWS trusts its own tokens; the built-in STS would have to be trusted
			// by whoever gets AWS's identities.
			if c.Cognito.Backend == BackendAWS && s.Backend == BackendBuiltin {
				return refuse("sts.backend", "is builtin under cognito.backend: aws", "aws")
			}
			return nil
		},
		func() error { return endpoint("sts.endpoint", s.Endpoint, s.Backend) },
		func() error { return checkKeys("sts.keys", s.Keys) },
	)
}

// endpoint checks an override of AWS's own address, which nothing but the aws
// backend would read.
func endpoint(path, url, backend string) error {
	if url == "" {
		return nil
	}
	if backend != BackendAWS {
		return refuse(path, "does nothing without backend: aws", `"", or backend: aws`)
	}
	return checkURL(path, url)
}

// maxKeys bounds the keys tried on each sealed value.
const maxKeys = 32

// checkKeys refuses empty and repeated keys.
func checkKeys(path string, keys []Key) error {
	if len(keys) > maxKeys {
		return refuse(path, "is too long", "at most 32 keys")
	}
	for i, k := range keys {
		if k.Empty() {
			return refuse(at(path, i), "is empty", expectedKey)
		}
		for j := range i {
			if k.Equal(keys[j]) {
				return refuse(at(path, i), "is the same key as "+at(path, j), "each key once")
			}
		}
	}
	return nil
}

func form(path string, right bool, expected string) error {
	if !right {
		return refuse(path, "has not the right form", expected)
	}
	return nil
}
