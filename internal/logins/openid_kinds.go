package logins

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Time limits of a fetch where the configuration of a Prover names none.
const (
	fetchTimeout = 5 * time.Second
	kindTimeout  = 3 * time.Second
)

// newOIDC proves logins at a plain OpenID provider.
func newOIDC(p Provider, c *Config) *openID {
	keys := newKeySet(p, c, fetchTimeout, p.source(c, p.Issuer, p.KeysURL, maxKeyBytes))
	return newOpenID(p, c, rules{party: true, listed: true}, newIssuer(p.Issuer, keys))
}

// newUserPool proves logins at a Cognito user pool. A pool signs under either of two
// issuers, and has keys at each. An issuer that is configured, an emulator's, is the only one.
func newUserPool(p Provider, c *Config) (*openID, error) {
	named, known := loginkey.UserPoolOf(p.Name)
	issuers := named.Issuers()
	texts := issuers[:]
	switch {
	case p.Issuer != "":
		texts = []string{p.Issuer}
	case !known:
		return nil, fmt.Errorf("login provider %s: no user pool has that key, and no issuer is configured", p.Name)
	}
	p.Algorithms = []string{"RS256"} // no user pool signs otherwise
	address, elsewhere := p.poolKeys()
	var from []*issuer
	for n, text := range texts {
		switch {
		case n > 0 && elsewhere:
			from = append(from, newIssuer(text, from[0].keys))
			continue
		case !elsewhere:
			address = strings.TrimSuffix(text, "/") + poolKeysPath
		}
		keys := newKeySet(p, c, kindTimeout, p.source(c, text, address, maxOfKind))
		if n > 0 {
			keys.name = loginkey.Of(text) // whoever makes up a token can have it fetched
		}
		from = append(from, newIssuer(text, keys))
	}
	return newOpenID(p, c, rules{tokenUse: true}, from...), nil
}

// poolKeysPath is where a user pool has its keys, behind its issuer.
const poolKeysPath = "/.well-known/jwks.json"

// poolKeys is where a user pool's keys are, if that is elsewhere than at its issuers.
func (p *Provider) poolKeys() (address string, elsewhere bool) {
	if p.Endpoint != "" && p.KeysURL == "" {
		_, pool, _ := strings.Cut(p.Name, "/")
		return strings.TrimSuffix(p.Endpoint, "/") + "/" + pool + poolKeysPath, true
	}
	return p.KeysURL, p.Keys != nil || p.KeysURL != ""
}

// newGoogle proves logins at Google, whose tokens have its issuer with or without the scheme.
func newGoogle(p Provider, c *Config) *openID {
	if p.Issuer == "" {
		p.Issuer = p.Kind.Issuer()
	}
	keys := newKeySet(p, c, kindTimeout, p.source(c, p.Issuer, p.KeysURL, maxOfKind))
	return newOpenID(p, c, rules{party: true}, newIssuer(p.Issuer, keys), newIssuer(loginkey.Of(p.Issuer), keys))
}

// newApple proves logins with Apple. Where its keys are is known; another issuer's are found by discovery.
func newApple(p Provider, c *Config) *openID {
	if p.Issuer == "" {
		p.Issuer = p.Kind.Issuer()
		if p.KeysURL == "" {
			p.KeysURL = p.Issuer + "/auth/keys"
		}
	}
	keys := newKeySet(p, c, kindTimeout, p.source(c, p.Issuer, p.KeysURL, maxOfKind))
	return newOpenID(p, c, rules{party: true}, newIssuer(p.Issuer, keys))
}

func newOpenID(p Provider, c *Config, r rules, from ...*issuer) *openID {
	return &openID{Provider: p, rules: r, cognito: c.CognitoIssuers, now: c.Now, from: from}
}

// source is where keys are fetched: the local source where there is one.
func (p *Provider) source(c *Config, issuer, keys string, limit int64) func(context.Context) ([]byte, error) {
	if p.Keys != nil {
		return p.Keys
	}
	return (&source{issuer: issuer, keys: keys, limit: limit, client: newClient(c.Transport, p.Roots, 1)}).fetch
}

func newKeySet(p Provider, c *Config, timeout time.Duration, fetch func(context.Context) ([]byte, error)) *keySet {
	if len(p.Algorithms) == 0 {
		p.Algorithms = DefaultAlgorithms
	}
	if c.FetchTimeout > 0 {
		timeout = c.FetchTimeout
	}
	return &keySet{
		name: p.Name, fetch: fetch, now: c.Now, timeout: timeout, onFetch: c.OnFetch, onChange: c.OnKeys,
		algorithms: p.Algorithms,
	}
}
