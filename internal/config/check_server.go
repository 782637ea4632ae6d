package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *Config) checkMode() error {
	return oneOf("mode", string(c.Mode), string(ModeProduction), string(ModeDevelopment))
}

func (c *Config) checkListen() error {
	if !address(c.Listen, true) {
		return refuse("listen", "is not an address", "host:port with a port number, such as 127.0.0.1:8080")
	}
	return nil
}

// derivePublicURL checks the public URL, or makes one from the listener.
func (c *Config) derivePublicURL() error {
	if c.PublicURL == "" {
		c.PublicURL = derivedURL(c.Listen)
		return nil
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	return checkURL("public_url", c.PublicURL)
}

func (c *Config) checkLog() error {
	err := oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	if err != nil || c.Log.Format == "" {
		return err
	}
	return oneOf("log.format", c.Log.Format, "console", "json")
}

func (c *Config) checkLimits() error {
	return firstOf(
		func() error { return within("limits.body_bytes", c.Limits.BodyBytes, 1, 64<<20) },
		func() error {
			return within("limits.body_memory", c.Limits.BodyMemory, c.Limits.BodyBytes, maxBodyMemory)
		},
		func() error {
			return lasting("limits.request_timeout", c.Limits.RequestTimeout, time.Millisecond, 5*time.Minute)
		},
		func() error { return within("limits.connections", c.Limits.Connections, 1, maxConnections) },
		func() error {
			return within("limits.connections_per_address", c.Limits.ConnectionsPerAddress, 1, maxConnections)
		},
		c.checkTrustedProxies,
		func() error { return c.Limits.Guests.check("limits.guests") },
		func() error { return c.Limits.Exchanges.check("limits.exchanges") },
		func() error { return c.Limits.RefusedChanges.check("limits.refused_changes") },
		func() error { return c.Limits.WrongKeys.check("limits.wrong_keys") },
	)
}

const (
	// maxTurns is past what anybody would call a limit.
	maxTurns = 1_000_000
	// maxProxies bounds what each request's address is compared with.
	maxProxies = 100
	// maxConnections is below what the HTTP server itself would take.
	maxConnections = 200_000
	maxBodyMemory  = 1 << 30
)

func (r Rate) check(path string) error {
	return firstOf(
		func() error { return within(path+".per_minute", r.PerMinute, 0, maxTurns) },
		func() error { return within(path+".burst", r.Burst, 1, maxTurns) },
	)
}

func (c *Config) checkTrustedProxies() error {
	const path = "limits.trusted_proxies"
	if len(c.Limits.TrustedProxies) > maxProxies {
		return refuse(path, "is too long", "at most 100 addresses or networks")
	}
	var texts []string
	for _, p := range c.Limits.TrustedProxies {
		texts = append(texts, p.String())
	}
	return unique(path, texts)
}

// address reports whether text is host:port with a numeric port. Only a listener
// may leave out the host or ask for any port.
func address(text string, listener bool) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host != "" && net.ParseIP(host) == nil && !consists(host, wordRunes+".-", 1, 253) {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && port == strconv.FormatUint(n, 10) && (listener || host != "" && n > 0)
}

// checkURL accepts what other URLs are built from by appending to it.
func checkURL(path, text string) error {
	if text == "" || strings.ContainsFunc(text, notVisible) || strings.ContainsAny(text, `?#\`) {
		return refuse(path, "is not a plain URL", expectedURL)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.HasPrefix(text, u.Scheme+"://") ||
		u.Opaque != "" {
		return refuse(path, "is not an absolute http or https URL", expectedURL)
	}
	if u.User != nil {
		return refuse(path, "holds a user name", expectedURL)
	}
	hostport := u.Host
	if u.Port() == "" {
		if strings.HasSuffix(hostport, ":") {
			return refuse(path, "has an empty port", expectedURL)
		}
		hostport = net.JoinHostPort(u.Hostname(), "80")
	}
	if !address(hostport, false) {
		return refuse(path, "has no valid host and port", expectedURL)
	}
	return nil
}

const expectedURL = "an absolute URL such as https://broker.example, without user, query and fragment"

// loopback reports whether a URL that checkURL passed leads to this machine only.
func loopback(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// notVisible is true for whatever cannot stand in a URL, an address or a header.
func notVisible(r rune) bool { return r <= ' ' || r >= 0x7f }

const (
	digits    = "0123456789"
	wordRunes = digits + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
)

// consists reports whether text is least to most of the given ASCII characters.
func consists(text, of string, least, most int) bool {
	return len(text) >= least && len(text) <= most && strings.Trim(text, of) == ""
}

func oneOf[T ~string](path string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	texts := make([]string, len(allowed))
	for i, a := range allowed {
		texts[i] = string(a)
	}
	wrong := "has an unknown value"
	if value == "" {
		wrong = "is missing"
	}
	return refuse(path, wrong, "one of "+strings.Join(texts, ", "))
}

func within(path string, value, least, most int) error {
	if value < least || value > most {
		return refuse(path, "is out of range", strconv.Itoa(least)+" to "+strconv.Itoa(most))
	}
	return nil
}

func lasting(path string, value, least, most time.Duration) error {
	if value < least || value > most {
		return refuse(path, "is out of range", least.String()+" to "+most.String())
	}
	return nil
}

// repeated returns the index of the first element that stands in the list before.
func repeated(list []string) (int, bool) {
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		if seen[s] {
			return i, true
		}
		seen[s] = true
	}
	return 0, false
}
