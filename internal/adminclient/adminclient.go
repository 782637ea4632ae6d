// Package adminclient calls a running broker as an administrator, by REST and an
// API key. It sends the key to the broker that it was given and nowhere else, and
// no error or result of it holds the key, whatever that broker answers.
package adminclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// Limits of a call, beside its context's deadline.
const (
	deadline  = 30 * time.Second
	maxAnswer = 64 << 10
	maxText   = 256 // characters of a text that the other side chose

	minKey, maxKey = 16, 1024 // as callers have them
)

// ErrUnknown is an answer of success that is not one of a broker: whether the
// call did anything is not known.
var ErrUnknown = errors.New("the answer is not one of a broker; whether it did what was asked is not known")

// Client calls one broker. It is immutable and safe for concurrent use.
type Client struct {
	base *url.URL
	key  string
	http *http.Client
}

// New returns a client of the broker at base, its public URL. It refuses http to
// other hosts than this one, over which the key would travel in clear.
func New(base, key string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("the URL: expected a broker's, without user, query and fragment")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("the URL: expected https, or http to a loopback host")
	}
	if len(key) < minKey || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool {
		return r <= ' ' || r > '~'
	}) {
		return nil, errors.New("the API key: expected 16 to 1024 visible ASCII characters in one line")
	}
	return &Client{base: u, key: key, http: &http.Client{
		// A redirect would carry the key to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close ends the connections that are kept for the next call.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// RotateSigningKey has the broker's issuer sign by a new key, and returns its id.
// It asks once: asked again, the broker would make another.
func (c *Client) RotateSigningKey(ctx context.Context) (keyID string, err error) {
	var answer struct {
		KeyID string `json:"keyId"`
	}
	if err := c.post(ctx, &answer, "v1", "signing-keys", "rotate"); err != nil {
		return "", err
	}
	if answer.KeyID == "" || c.printable(answer.KeyID) != answer.KeyID {
		return "", ErrUnknown
	}
	return answer.KeyID, nil
}

// post calls a route without input and decodes its answer into out.
func (c *Client) post(ctx context.Context, out any, path ...string) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path...).String(), http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	response, err := c.http.Do(r)
	if err != nil {
		return errors.New(c.printable(err.Error()))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read the answer: %s", c.printable(err.Error()))
	}
	if response.StatusCode != http.StatusOK {
		return c.refusal(response.StatusCode, body)
	}
	if strictjson.DecodeSome(body, out, answerLimits) != nil {
		return ErrUnknown
	}
	return nil
}

// answerLimits bound an answer.
var answerLimits = strictjson.Limits{Bytes: maxAnswer, Depth: 16, Values: maxAnswer}

// refusal reads a problem.
func (c *Client) refusal(status int, body []byte) error {
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	switch {
	case status/100 == 3:
		return fmt.Errorf("status %d: redirects are not followed; expected the broker's own URL", status)
	case strictjson.DecodeSome(body, &problem, answerLimits) != nil, problem.Code == "":
		return fmt.Errorf("status %d, and no answer of a broker", status)
	}
	return fmt.Errorf("status %d %s: %s", status, c.printable(problem.Code), c.printable(problem.Detail))
}

// printable makes a text from elsewhere fit for a terminal: one bounded line of
// ASCII, and without the key, should it be quoted.
func (c *Client) printable(text string) string {
	text = strings.ReplaceAll(text, c.key, "[redacted]")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	if len(text) > maxText {
		text = text[:maxText] + "..."
	}
	return text
}
