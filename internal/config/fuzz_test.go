package config_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
)

func FuzzLoad(f *testing.F) {
	f.Add(contract, "listen: 127.0.0.1:1")
	f.Add(production, "")
	f.Add("mode: development\n"+caller("", "")+"\n"+provider(goodProvider), "[]")
	f.Add("mode: development\n"+pool("roles: {authenticated: 'arn:aws:iam::000000000000:role/r'}"), "${A:-b}")
	f.Add("a: &a [*a]", "{a: 1}")
	f.Add("log: {<<: {level: info}}\n? [a]\n: b", "#")
	f.Add("mode: ${MODE:-development}\nsts: {keys: ['"+base64Key(0)+"']}", "$${")
	f.Add("mode: development\nlimits: {trusted_proxies: [10.0.0.0/8, '::1']}",
		"{guests: {per_minute: 0, burst: 1}, trusted_proxies: ['::ffff:10.0.0.1']}")
	f.Add("mode: development\ncognito: {limits: {GetId: 25, GetOpenIdToken: 0.5}}", "{limits: {GetId: 1e9}}")
	f.Add(development+allKinds+pool("supported_login_providers: {www.amazon.com: a}, role_mappings: {}"), "{}")
	f.Add(upstream+"pools: [{id: 'us-east-1:1'}]", "{endpoint: 'http://127.0.0.1:1', issuer: 'https://x.example'}")
	f.Add("public_url: https://broker.example\nsts: {backend: aws, endpoint: 'http://minio.example'}",
		"{issuer: 'http://127.0.0.1:1'}")
	for _, name := range []string{developmentFile, productionFile} {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(string(data), "~")
		}
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.Contains(text+value, "_file") {
			t.Skip("would read what it finds on this machine")
		}
		for _, variable := range []string{"V", "BROKER_LISTEN", "BROKER_CACHE", "BROKER_POOLS", "BROKER_LIMITS",
			"BROKER_COGNITO"} {
			environ := contractEnv(variable + "=" + value)
			c, err := config.LoadBytes(folder, []byte(text), environ)
			var e *config.Error
			switch {
			case err == nil:
				checkInvariants(t, c)
			case !errors.As(err, &e) || c != nil:
				t.Fatalf("got %T with error %v, want *config.Error alone", c, err)
			case e.Path == "" || !strings.Contains(e.Message, "; expected ") || strings.ContainsAny(e.Error(), "\r\n"):
				t.Fatalf("error %q is not one line of path, fault and expectation", e.Error())
			}
		}
	})
}

// checkInvariants asserts what the rest of the broker takes for granted, in its
// own words: by other means than the checks under test where there are any.
func checkInvariants(t *testing.T, c *config.Config) {
	t.Helper()
	hold := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Errorf("accepted a configuration that breaks: %s", what)
		}
	}
	u, err := url.Parse(c.PublicURL)
	hold(err == nil && u.IsAbs() && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		!strings.HasSuffix(c.PublicURL, "/"), "public_url is plain")
	_, _, err = net.SplitHostPort(c.Listen)
	hold(err == nil, "listen has a port")
	hold(c.Limits.BodyBytes > 0 && c.Limits.RequestTimeout > 0 && c.Cache.Memory.MaxEntries >= 0, "limits are positive")
	hold(c.Cache.Memory.MaxEntries > 0 || len(c.Cache.Redis.Addresses) > 0, "something is cached")
	engine := c.Cognito.Backend == config.BackendEmbedded
	hold(engine || c.Cognito.Backend == config.BackendAWS, "Cognito is one of two")
	hold(c.STS.Backend == config.BackendAWS || engine &&
		c.STS.Backend == config.BackendBuiltin, "AWS's Cognito has AWS's STS")
	hold(engine || len(c.Cognito.Limits) == 0, "real Cognito has its own quotas")
	for operation, rate := range c.Cognito.Limits {
		hold(slices.Contains(config.Operations(), operation) && rate > 0 &&
			rate <= 100000, "quotas are numbers for operations")
	}
	hold(c.Limits.Guests.PerMinute >= 0 && c.Limits.Guests.Burst > 0, "guests have a burst")
	hold(len(c.Limits.TrustedProxies) <= 100, "proxies are few")
	for _, p := range c.Limits.TrustedProxies {
		a := p.Addr()
		hold(p.IsValid() && p.Contains(a) && p.Masked() == p && a == a.Unmap() &&
			a == a.WithZone(""), "a proxy is a plain network")
	}
	hold(len(c.Cache.Redis.Addresses) == 0 || len(c.Cache.Redis.Keys) > 0 &&
		!c.Cache.Redis.NameKey.Empty(), "Redis is never without keys")
	hold(c.Cognito.Issuer != "" && len(c.Cognito.AccountID) == 12 &&
		c.Cognito.SigningRotation >= time.Hour, "the engine's basics")
	hold(c.Cognito.Store == config.MemoryStore || filepath.IsAbs(c.Cognito.Store), "the store is absolute")
	hold(c.Log.Level != "" && c.Log.Format != "", "the log is complete")
	if c.Mode != config.ModeDevelopment {
		hold(c.Mode == config.ModeProduction, "mode is one of two")
		hold(c.STS.Backend == config.BackendAWS || len(c.STS.Keys) > 0, "production's sessions are sealed by its own keys")
		hold(!engine || c.Cognito.Store != config.MemoryStore, "production keeps what it made")
		hold(c.DevelopmentIssuer() == "", "production has no development provider")
		hold(!engine || c.STS.Backend != config.BackendAWS ||
			strings.HasPrefix(c.Cognito.Issuer, "https://"), "another STS reads our keys by https")
		ip := net.ParseIP(u.Hostname())
		hold(u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback(), "production speaks https")
	}
	for _, k := range c.STS.Keys {
		hold(len(k.Bytes()) == config.KeyBytes, "keys are whole")
	}
	var names, ids []string
	for _, p := range c.LoginProviders {
		names = append(names, p.Provider)
		_, rest, found := strings.Cut(p.Issuer, "://")
		hold(p.Kind != loginkey.OIDC || found && strings.TrimSuffix(rest, "/") == p.Provider && len(p.ClientIDs) > 0,
			"an OpenID provider is its issuer")
		hold(p.Provider != "" && len(p.Provider) <= 128 && !p.Kind.Refused(), "a provider has a name and a kind that is taken")
		hold(p.Kind != loginkey.SAML || p.MetadataFile != "", "a SAML provider has its metadata")
	}
	for _, p := range c.Pools {
		ids = append(ids, p.ID)
		hold((p.Name != "" || !engine) && len(p.ID) <= 55 && strings.Contains(p.ID, ":") && p.MinRemaining >= 0 &&
			p.MinRemaining <= 12*time.Hour, "a pool has id, name and floor")
		hold(!slices.Contains(names, p.DeveloperProviderName), "developers are no login providers")
		for _, arn := range p.OpenIDConnectProviderARNs {
			_, name, _ := strings.Cut(arn, ":oidc-provider/")
			hold(!engine || slices.Contains(names, strings.TrimSuffix(name, "/")), "a pool's providers are configured")
		}
	}
	for _, list := range [][]string{names, ids} {
		slices.Sort(list)
		hold(len(slices.Compact(slices.Clone(list))) == len(list), "names and ids are unique")
	}
	for _, a := range c.Callers {
		hold(!a.SecretAccessKey.Empty() && len(a.APIKey.Reveal()) >= 16 && len(a.Scopes) > 0 &&
			len(a.Pools) > 0, "a caller is complete")
	}
	for _, client := range c.Cache.Clients {
		hold(client.UserAgent != nil, "a client has its pattern")
	}
}
