package config

import (
	"net"
	"net/url"
	"strings"
)

// AnyOrigin stands in cors.origins for the pages of all origins.
const AnyOrigin = "*"

// maxNames bounds the lists that a request's headers are compared with.
const maxNames = 100

const (
	expectedHost   = "the name of a host without scheme, port and dot at its end, such as broker"
	expectedOrigin = "an origin as browsers write it, such as https://app.example or http://localhost:3000"
)

// checkHosts accepts names, in any case. Addresses need none: they are always good.
func (c *Config) checkHosts() error {
	if len(c.Hosts) > maxNames {
		return refuse("hosts", "is too long", "at most 100 names")
	}
	lower := make([]string, len(c.Hosts))
	for i, h := range c.Hosts {
		if !consists(h, wordRunes+".-", 1, 253) || strings.HasPrefix(h, ".") || strings.HasSuffix(h, ".") ||
			strings.Contains(h, "..") {
			return refuse(at("hosts", i), "is not the name of a host", expectedHost)
		}
		lower[i] = strings.ToLower(h)
	}
	return unique("hosts", lower)
}

// GoodHosts returns the names that requests may be for, beside localhost and addresses: in
// development the host of PublicURL and Hosts, in production nil, which is any.
func (c *Config) GoodHosts() []string {
	if c.Mode != ModeDevelopment {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil { // Load checked it
		return []string{}
	}
	return append([]string{u.Hostname()}, c.Hosts...)
}

func (c *Config) checkCORS() error {
	return firstOf(
		func() error { return checkOrigins("cors.origins", c.CORS.Origins, true) },
		func() error { return checkOrigins("cors.caller_origins", c.CORS.CallerOrigins, false) },
	)
}

func checkOrigins(path string, list []string, wild bool) error {
	if len(list) > maxNames {
		return refuse(path, "is too long", "at most 100 origins")
	}
	for i, o := range list {
		switch {
		case o == AnyOrigin && !wild:
			return refuse(at(path, i), "would let any page act for a caller", expectedOrigin)
		case o == AnyOrigin && len(list) > 1:
			return refuse(at(path, i), "makes the others meaningless", "\"*\" alone, or origins")
		case o != AnyOrigin && !validOrigin(o):
			return refuse(at(path, i), "is not an origin", expectedOrigin)
		}
	}
	return unique(path, list)
}

// validOrigin accepts what a browser or a web view sends as Origin, spelt as it spells it:
// an origin is compared byte by byte. "null" is whoever hides his, and never accepted.
func validOrigin(text string) bool {
	scheme, host, ok := strings.Cut(text, "://")
	if !ok || len(text) > 512 || text != strings.ToLower(text) || !consists(scheme, wordRunes+"+.-", 1, 64) {
		return false
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != host || u.User != nil || strings.HasSuffix(host, ":") {
		return false
	}
	switch u.Port() {
	case "":
		host = net.JoinHostPort(u.Hostname(), "1")
	case map[string]string{"http": "80", "https": "443"}[scheme]:
		return false // a browser leaves it out
	}
	return address(host, false)
}
