package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	jsonType = "application/x-amz-json-1.1"
	page     = "<html><body>elsewhere</body></html>"
)

// throttles answers as Cognito and STS do when they have had enough.
func throttles(p *faultProxy, w http.ResponseWriter, r *http.Request, ended <-chan struct{}) {
	body, contentType := `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`, jsonType
	if r.Header.Get("X-Amz-Target") == "" {
		contentType = "text/xml"
		body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	}
	answers(http.StatusBadRequest, contentType, body)(p, w, r, ended)
}

// Whatever befalls the way to Cognito and STS: users who were served before see
// nothing of it, others are told in time that it will pass, and nobody is told
// that he may not, or that a pool is not in order.
func TestFaultsUpstream(t *testing.T) {
	t.Parallel() // it waits for deadlines
	engine := startBroker(t, nil, "")
	proxy := startProxy(t, engine.url)
	front := startUpstream(t, engine, proxy.url, "limits: {request_timeout: 2s}\n")
	front.behind = engine
	warm := warmed(t, front)
	var carried atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { carried.Add(1) }))
	defer elsewhere.Close()
	for _, f := range []struct {
		name  string
		fault fault
		busy  bool // a throttle, and told as one
	}{
		{"refused", nil, false},
		{"reset", reset, false},
		{"hanging", hanging, false},
		{"noise", noise, false},
		{"half an answer", cutOff, false},
		{"dribbling", dribble, false},
		{"a page with 200", answers(200, "text/html", page), false},
		{"JSON of another", answers(200, jsonType, `{"hello":"world"}`), false},
		{"500", answers(500, "text/plain", ""), false},
		{"500 of the service", answers(500, jsonType, `{"__type":"InternalErrorException","message":"x"}`), false},
		{"503 of a gateway", answers(503, "text/html", page, "Retry-After", "3600"), false},
		{"403 of a gateway", answers(403, "text/html", page), false},
		{"403 of a firewall", answers(403, "application/json", `{"message":"Forbidden"}`), false},
		{"401 of a gateway", answers(401, "text/plain", "", "WWW-Authenticate", "Basic"), false},
		{"404 of a gateway", answers(404, "text/html", page), false},
		{"redirected", answers(307, "text/plain", "", "Location", elsewhere.URL), false},
		{"throttled", throttles, true},
		{"429 of a gateway", answers(429, "text/html", page), true},
	} {
		t.Run(f.name, func(t *testing.T) {
			cold := strangers(t, front, f.name)
			proxy.begin(f.fault)
			for _, q := range warm(t) {
				if r, err := q.settled(t.Context()); err != nil || r.status != http.StatusOK || r.cache != "hit" {
					t.Errorf("warmed, %s: got %+v %v, want a hit", q.name, r, err)
				}
			}
			eachAtOnce(t, cold, func(q question) error {
				ask := q.ask
				if f.busy && q.name != "STS" {
					ask = q.settled
				}
				r, err := ask(t.Context())
				switch {
				case err != nil:
					return err
				case q.name == "STS":
					return ofSTS(q, r, f.busy)
				}
				return passing(q, r, f.busy)
			})
			proxy.end(t)
			eachAtOnce(t, cold, func(q question) error { return recovered(t.Context(), q) })
		})
	}
	if n := carried.Load(); n > 0 {
		t.Errorf("%d requests followed a redirect, want none", n)
	}
}

// passing holds the answer to a cold asker against the contract. The wire has no
// 503, and STS's own no Retry-After.
func passing(q question, r reply, busy bool) error {
	fits := false
	switch r.code {
	case "TooManyRequestsException":
		fits = busy && (q.rest && r.status == http.StatusTooManyRequests && r.retryAfter != "" || !q.rest && r.status == http.StatusBadRequest)
	case "InternalErrorException":
		fits = !busy && (q.rest && r.status == http.StatusServiceUnavailable && r.retryAfter != "" || !q.rest && r.status == http.StatusInternalServerError)
	case "InternalFailure": // STS
		fits = !busy && r.status == http.StatusInternalServerError
	case "Throttling": // STS
		fits = busy && r.status == http.StatusBadRequest
	}
	if !fits {
		return fmt.Errorf("got %+v, want a passing error (of a throttle: %v)", r, busy)
	}
	return nil
}

// recovered asks until there is an answer. A first one may still come from an
// exchange that began in the fault.
func recovered(ctx context.Context, q question) error {
	var last reply
	for range 3 {
		r, err := q.settled(ctx)
		if err != nil {
			return err
		}
		if r.status == http.StatusOK {
			return nil
		}
		last = r
	}
	return fmt.Errorf("after the fault: got %+v, want 200", last)
}

func eachAtOnce(t *testing.T, questions []question, do func(question) error) {
	t.Helper()
	var group sync.WaitGroup
	for _, q := range questions {
		group.Go(func() {
			if err := do(q); err != nil {
				t.Errorf("%s: %v", q.name, err)
			}
		})
	}
	group.Wait()
}
