package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// patience is how long a test waits for an answer: far longer than the deadline
// of the broker that it asks.
const patience = 5 * time.Minute

// tries bounds how often a test asks again where a broker missed its own deadline:
// on a loaded machine it does, and says that this will pass.
const tries = 30

// reply is what an asker needs to know of an answer. It holds no secret.
type reply struct {
	status                  int
	code, cache, retryAfter string
}

// question is something to ask a broker, from any goroutine.
type question struct {
	name string
	rest bool
	ask  func(ctx context.Context) (reply, error)
}

// settled asks until the answer is not that of a missed deadline.
func (q question) settled(ctx context.Context) (r reply, err error) {
	for range tries {
		if r, err = q.ask(ctx); err != nil || passing(q, r, false) != nil {
			break
		}
	}
	return r, err
}

// settled calls by the SDK until the end is not that of a missed deadline, and
// stops the test where the call fails.
func settled[T any](t *testing.T, call func() (T, error)) (out T) {
	t.Helper()
	var err error
	for range tries {
		if out, err = call(); code(err) != "InternalErrorException" {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// onREST asks a route of the demo pool.
func (i *instance) onREST(name, route string, body map[string]any, headers ...string) question {
	text, err := json.Marshal(body)
	return question{"REST " + name, true, func(ctx context.Context) (reply, error) {
		if err != nil {
			return reply{}, err
		}
		return ask(ctx, i.url+"/v1/pools/"+demoPool+"/"+route, append([]string{"Content-Type", "application/json"}, headers...), text)
	}}
}

// onWire asks an unsigned operation.
func (i *instance) onWire(name, operation string, input map[string]any) question {
	text, err := json.Marshal(input)
	return question{"wire " + name, false, func(ctx context.Context) (reply, error) {
		if err != nil {
			return reply{}, err
		}
		headers := []string{"Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "AWSCognitoIdentityService." + operation}
		return ask(ctx, i.url+"/", headers, text)
	}}
}

// onSTS buys a session by a web identity.
func (i *instance) onSTS(token string) question {
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {authRole}, "RoleSessionName": {"asked"}, "WebIdentityToken": {token},
	}.Encode()
	return question{"STS", false, func(ctx context.Context) (reply, error) {
		return ask(ctx, i.url+"/", []string{"Content-Type", "application/x-www-form-urlencoded"}, []byte(form))
	}}
}

// bySDK asks by the SDK, which signs.
func bySDK(name string, call func(ctx context.Context) error) question {
	return question{"signed " + name, false, func(ctx context.Context) (reply, error) {
		err := call(ctx)
		if err == nil {
			return reply{status: http.StatusOK}, nil
		}
		answered, ok := errors.AsType[*smithyhttp.ResponseError](err)
		if !ok {
			return reply{}, err
		}
		return reply{status: answered.HTTPStatusCode(), code: code(err)}, nil
	}}
}

func ask(ctx context.Context, url string, headers []string, body []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		return reply{}, err
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	h := response.Header
	return reply{
		status: response.StatusCode, code: codeIn(string(text)), cache: h.Get("X-Cache"), retryAfter: h.Get("Retry-After"),
	}, nil
}

// codeIn finds the error's name in a problem, in the wire's envelope or in STS's.
func codeIn(text string) string {
	var named struct {
		Code string
		Type string `json:"__type"`
	}
	if json.Unmarshal([]byte(text), &named) == nil {
		return named.Code + named.Type
	}
	_, rest, _ := strings.Cut(text, "<Code>")
	name, _, _ := strings.Cut(rest, "</Code>")
	return name
}
