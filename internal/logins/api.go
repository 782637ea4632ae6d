package logins

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// answerLimits bound what a provider answers about a token.
var answerLimits = strictjson.Limits{Bytes: maxOfKind, Depth: 32, Values: 5000}

// api asks a provider's HTTP API, and reads what it answers.
type api struct {
	base   string // without a slash at its end
	client *http.Client
}

// answer is what an API answered with: an object of JSON.
type answer struct {
	status int
	object map[string]any
}

// get asks for a path with a query. bearer, if any, is sent as a header. It fails where what
// comes is no answer about the token, whatever it says: no JSON, throttling, an error of the
// server. No error holds the query.
func (a *api) get(ctx context.Context, path string, query url.Values, bearer string) (*answer, error) {
	address := a.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errAddress
	}
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	got, err := a.client.Do(r)
	if err != nil {
		return nil, quiet(err)
	}
	defer got.Body.Close()
	if got.StatusCode >= 500 || got.StatusCode == http.StatusTooManyRequests {
		return nil, serverError(got.StatusCode)
	}
	text, err := readAll(got.Body, maxOfKind)
	if err != nil {
		return nil, quiet(err)
	}
	object, err := strictjson.Object(text, answerLimits)
	if err != nil {
		return nil, fmt.Errorf("status %d, and no JSON that reads", got.StatusCode)
	}
	return &answer{got.StatusCode, object}, nil
}

// quiet is an error of an HTTP client that repeats nothing of what was asked or answered: what a
// server answers may repeat the question, and an error what was answered.
func quiet(err error) error {
	err = withoutAddress(err)
	_, network := errors.AsType[net.Error](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, large := errors.AsType[tooLarge](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errTime
	case errors.Is(err, context.Canceled), errors.Is(err, errRedirect), network, certificate, large:
		return err
	}
	return errNoAnswer
}

var (
	errAddress  = errors.New("its address is no URL")
	errTime     = errors.New("no answer in time")
	errNoAnswer = errors.New("what it answers is no HTTP")
)

// tooLarge is an answer that is larger than so many bytes.
type tooLarge int64

func (t tooLarge) Error() string { return fmt.Sprintf("more than %d bytes", int64(t)) }

// withoutAddress is an error of an HTTP client without the address that was asked, whose query
// may hold a secret.
func withoutAddress(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// readAll reads all of a body that is no larger than limit bytes.
func readAll(body io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, tooLarge(limit)
	}
	return text, nil
}
