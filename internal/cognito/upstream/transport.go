package upstream

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Limits of one exchange with upstream, beside the deadline of its call.
const (
	dialTimeout   = 3 * time.Second
	tlsTimeout    = 3 * time.Second
	headerTimeout = 10 * time.Second
	idleTimeout   = 60 * time.Second
	idlePerHost   = 64
	maxHeader     = 64 << 10
	// maxAnswer is above what the service can send: role mappings with all their
	// rules.
	maxAnswer = 8 << 20
)

// NewHTTPClient returns a client for AWS: an exchange that does not come about
// fails while its call has time for another, and no redirect is followed.
func NewHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    tlsTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           4 * idlePerHost,
			MaxIdleConnsPerHost:    idlePerHost,
			MaxResponseHeaderBytes: maxHeader,
			ForceAttemptHTTP2:      true,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		},
		// The service never redirects, and a redirect would carry logins along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// whole hands the SDK whole answers only. The SDK would keep the beginning of a
// body that it cannot read, credentials and all, in its error; and operations
// without output would take any page with status 200 for their success.
type whole struct{ next aws.HTTPClient }

// Do returns, beside a response, the error that kept its body from being read:
// the SDK takes upstream's request id from it.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	resp, err := w.next.Do(r)
	if err != nil || resp == nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxAnswer))
	if err != nil {
		resp.Body = http.NoBody
		return resp, fmt.Errorf("read the answer's body: %w", err)
	}
	if resp.StatusCode/100 == 2 && len(body) > 0 && !json.Valid(body) {
		// Somebody else's answer, or half of one: the same as a gateway's failure.
		resp.StatusCode, body = http.StatusBadGateway, nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
