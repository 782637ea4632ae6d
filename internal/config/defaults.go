package config

import (
	"math"
	"net"
	"regexp"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// defaults returns the configuration of an empty file, before what depends on
// other keys is filled in by derive.
func defaults() *Config {
	return &Config{
		Mode:   ModeProduction,
		Listen: "127.0.0.1:8080",
		Log:    Log{Level: "info"},
		Limits: Limits{
			BodyBytes:             1 << 20,
			BodyMemory:            256 << 20,
			RequestTimeout:        15 * time.Second,
			Connections:           10_000,
			ConnectionsPerAddress: 1_000,
			Guests:                Rate{PerMinute: 60, Burst: 100},
			Exchanges:             Rate{PerMinute: 60, Burst: 60},
			WrongKeys:             Rate{PerMinute: 60, Burst: 100},
			RefusedChanges:        Rate{PerMinute: 60, Burst: 100},
		},
		CORS: CORS{Origins: []string{AnyOrigin}},
		Cognito: Cognito{
			Backend:         BackendEmbedded,
			Region:          "us-east-1",
			AccountID:       "000000000000",
			SigningRotation: 90 * 24 * time.Hour,
			Store:           "broker.db",
		},
		STS:         STS{Backend: BackendBuiltin},
		Development: Development{ClientID: "demo-app"},
		Cache: Cache{
			Memory:       Memory{MaxEntries: 100_000},
			MinRemaining: 20 * time.Minute,
			RenewIdle:    20 * time.Minute,
			Clients:      amplify(),
			Redis: Redis{
				DialTimeout:  500 * time.Millisecond,
				ReadTimeout:  300 * time.Millisecond,
				WriteTimeout: 300 * time.Millisecond,
				MinReplicas:  derived,
			},
		},
	}
}

// amplify returns the floors of Amplify for the web, which keeps credentials for
// 50 minutes from receipt whatever their expiry; on a server it asks at each
// request, so there the usual floor will do.
func amplify() []Client {
	return []Client{
		{UserAgent: regexp.MustCompile(`aws-amplify/.*framework/10[0-9]`), MinRemaining: 20 * time.Minute},
		{UserAgent: regexp.MustCompile(`aws-amplify/`), MinRemaining: 51 * time.Minute},
	}
}

// defaulter is an element of a list that starts with more than zero values.
type defaulter interface{ defaults() }

func (p *LoginProvider) defaults() { p.Kind = loginkey.OIDC }

func (r *Role) defaults() { r.MaxSessionDuration = time.Hour }

// derived stands for a number that nobody gave, and that other keys decide.
const derived = math.MinInt

// deriveMinReplicas asks for a replica where another server may take the master's place.
func (r *Redis) deriveMinReplicas() {
	switch {
	case r.MinReplicas != derived:
	case r.Sentinel.Master != "" || len(r.Addresses) > 1:
		r.MinReplicas = 1
	default:
		r.MinReplicas = 0
	}
}

// deriveLogFormat picks the format that suits the mode where none is given.
func (c *Config) deriveLogFormat() {
	if c.Log.Format != "" {
		return
	}
	c.Log.Format = "json"
	if c.Mode == ModeDevelopment {
		c.Log.Format = "console"
	}
}

// derivedURL is the public URL of a broker that nobody told its own. listen has
// been checked.
func derivedURL(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	// An unspecified address is one to listen on, not one to call.
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
