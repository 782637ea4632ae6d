package config

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
)

// developmentSecrets stand in configs/development.yaml for everyone to read.
func developmentSecrets() []string {
	return []string{
		"development-only-secret-access-key",
		"development-only-api-key",
	}
}

// checkProduction refuses what is fit for a desk only. checkDevelopment refuses
// the development identity provider.
func (c *Config) checkProduction() error {
	if c.Mode == ModeDevelopment {
		return nil
	}
	switch {
	case insecure(c.PublicURL):
		return refuse("public_url", "is http in production", "https, or a loopback host")
	case c.STS.Backend == BackendBuiltin && len(c.STS.Keys) == 0:
		return refuse("sts.keys", "is empty in production", "at least one key, made by `broker keys new`")
	case c.Cognito.Backend == BackendEmbedded && c.Cognito.Store == MemoryStore:
		return refuse("cognito.store", "keeps nothing, which production refuses", "a file")
	}
	if unchecked := c.UncheckedClients(); len(unchecked) > 0 {
		return refuse(unchecked[0], "is true, and the broker may not ask the user pool",
			"admin_get_user: true at the login provider, or false")
	}
	return firstOf(c.checkIssuers, c.checkProxies, c.checkSecrets)
}

// checkProxies refuses networks that hold every address: then whoever asks says himself where
// he comes from, and limits by address limit nobody.
func (c *Config) checkProxies() error {
	for i, p := range c.Limits.TrustedProxies {
		if p.Bits() == 0 {
			return refuse(at("limits.trusted_proxies", i), "trusts everybody in production", "the addresses of your proxies")
		}
	}
	return nil
}

// insecure reports whether a URL's traffic crosses a network in clear.
func insecure(url string) bool { return strings.HasPrefix(url, "http:") && !loopback(url) }

// checkIssuers refuses issuers whose keys somebody on the way could replace: ours
// for an STS that is not ours, and those that we fetch ourselves. That STS is
// another machine, to which our loopback says nothing.
func (c *Config) checkIssuers() error {
	foreign := c.Cognito.Backend == BackendEmbedded && c.STS.Backend == BackendAWS
	if foreign && strings.HasPrefix(c.Cognito.Issuer, "http:") {
		return refuse("cognito.issuer", "is http in production under sts.backend: aws", "https, here or in public_url")
	}
	for i, p := range c.LoginProviders {
		for _, u := range []struct{ key, url string }{
			{".issuer", p.Issuer}, {".jwks_uri", p.JWKSURI}, {".endpoint", p.Endpoint},
		} {
			if insecure(u.url) {
				return refuse(at("login_providers", i)+u.key, "is http in production", "https, or a loopback host")
			}
		}
	}
	return nil
}

// checkSecrets refuses what everyone knows, and a SHA-256 of it.
func (c *Config) checkSecrets() error {
	var known []string
	for _, text := range developmentSecrets() {
		digest := sha256.Sum256([]byte(text))
		known = append(known, text, hex.EncodeToString(digest[:]))
	}
	return eachSecret(reflect.ValueOf(c).Elem(), "", func(path, text string) error {
		if slices.Contains(known, text) || slices.Contains(known, strings.ToLower(text)) {
			return refuse(path, "is the one of configs/development.yaml, which everyone knows", "a secret of your own")
		}
		return nil
	})
}

// eachSecret calls visit for every secret text in v, with its path, until an
// error.
func eachSecret(v reflect.Value, path string, visit func(path, text string) error) error {
	if s, ok := v.Interface().(Secret); ok {
		return visit(path, s.Reveal())
	}
	switch {
	case section(v.Type()):
		for i := range v.NumField() {
			if err := eachSecret(v.Field(i), join(path, v.Type().Field(i).Tag.Get("yaml")), visit); err != nil {
				return err
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if err := eachSecret(v.Index(i), at(path, i), visit); err != nil {
				return err
			}
		}
	}
	return nil
}
