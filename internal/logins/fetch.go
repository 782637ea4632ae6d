package logins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits of what is fetched, in bytes, and of redirects.
const (
	maxDiscovery = 256 << 10
	maxKeyBytes  = 1 << 20
	maxRedirects = 3
)

// newClient returns a client that follows no redirect to another host.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSHandshakeTimeout:    3 * time.Second,
			ResponseHeaderTimeout:  5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    1,
			ForceAttemptHTTP2:      true,
		}
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			first := via[0].URL
			if len(via) > maxRedirects || r.URL.Scheme != first.Scheme || r.URL.Host != first.Host {
				return errors.New("redirected elsewhere")
			}
			return nil
		},
	}
}

// source fetches one issuer's keys by discovery.
type source struct {
	issuer string
	client *http.Client
}

// fetch reads the discovery document, then the key set that it names.
func (s *source) fetch(ctx context.Context) ([]byte, error) {
	text, err := s.get(ctx, s.issuer+"/.well-known/openid-configuration", maxDiscovery)
	if err != nil {
		return nil, fmt.Errorf("fetch discovery: %w", err)
	}
	var d struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, errors.New("the discovery document is not JSON")
	}
	if d.Issuer != s.issuer {
		return nil, errors.New("the discovery document is of another issuer")
	}
	if err := s.mayFetch(d.Keys); err != nil {
		return nil, err
	}
	if text, err = s.get(ctx, d.Keys, maxKeyBytes); err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	return text, nil
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

func (s *source) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return text, nil
}
