package logins

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// Limits of what is fetched, in bytes, and of redirects.
const (
	maxKeyBytes  = 1 << 20  // and of a discovery document
	maxOfKind    = 64 << 10 // of either, and of any other answer, of kinds that are no plain OpenID providers
	maxRedirects = 3
)

// newClient returns a client that follows no redirect to another host, and keeps up to idle
// connections to one. roots are those that it trusts in place of the system's; nil: the system's.
func newClient(transport http.RoundTripper, roots *x509.CertPool, idle int) *http.Client {
	if transport == nil {
		transport = newTransport(idle)
	}
	if own, ok := transport.(*http.Transport); ok && roots != nil {
		own = own.Clone()
		own.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		transport = own
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			first := via[0].URL
			if len(via) > maxRedirects || r.URL.Scheme != first.Scheme || r.URL.Host != first.Host {
				return errRedirect
			}
			return nil
		},
	}
}

var errRedirect = errors.New("redirected elsewhere")

func newTransport(idle int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSHandshakeTimeout:    3 * time.Second,
		ResponseHeaderTimeout:  5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        time.Minute,
		MaxIdleConnsPerHost:    idle,
		ForceAttemptHTTP2:      true,
	}
}

// What is accepted; some issuers serve keys in their own type only (RFC 7517, section
// 8.5.2), others in none that fits.
const (
	acceptDiscovery = "application/json, */*;q=0.1"
	acceptKeys      = "application/jwk-set+json, application/json;q=0.9, */*;q=0.1"
)

// source fetches one issuer's keys: from where it is told to, else by discovery.
type source struct {
	issuer string
	keys   string // URL of the key set; empty: discovery names it
	limit  int64  // of what is fetched, in bytes
	client *http.Client
}

// fetch reads the key set.
func (s *source) fetch(ctx context.Context) ([]byte, error) {
	keys := s.keys
	if keys == "" {
		var err error
		if keys, err = s.discover(ctx); err != nil {
			return nil, err
		}
	}
	text, err := s.get(ctx, keys, acceptKeys)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	return text, nil
}

// discover reads where the keys are (OpenID Connect Discovery 1.0, section 4: a slash
// at the issuer's end is left out before the path).
func (s *source) discover(ctx context.Context) (keys string, err error) {
	address := strings.TrimSuffix(s.issuer, "/") + "/.well-known/openid-configuration"
	text, err := s.get(ctx, address, acceptDiscovery)
	if err != nil {
		return "", fmt.Errorf("fetch discovery: %w", err)
	}
	var d struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := strictjson.DecodeSome(text, &d,
		strictjson.Limits{Bytes: maxKeyBytes, Depth: 32, Values: 100_000}); err != nil {
		return "", fmt.Errorf("the discovery document does not read: %w", err)
	}
	if d.Issuer != s.issuer {
		return "", fmt.Errorf("the discovery document is of the issuer %.200q, not of %q", d.Issuer, s.issuer)
	}
	return d.Keys, s.mayFetch(d.Keys)
}

// mayFetch allows keys over https, or on the host of an issuer that is not.
func (s *source) mayFetch(keys string) error {
	issuer, err := url.Parse(s.issuer)
	if err != nil {
		return errors.New("the issuer is no URL")
	}
	u, err := url.Parse(keys)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("jwks_uri is no URL")
	}
	if u.Scheme == "https" || (u.Scheme == "http" && issuer.Scheme == "http" && u.Host == issuer.Host) {
		return nil
	}
	return errors.New("jwks_uri is not https")
}

func (s *source) get(ctx context.Context, address, accept string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	return readAll(answer.Body, s.limit)
}
