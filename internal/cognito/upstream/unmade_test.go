package upstream_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

// What may have arrived is told apart from what was surely refused, whatever the last
// attempt of the call was told.
func TestUnmadeByAttempts(t *testing.T) {
	type answer = func(http.ResponseWriter)
	named := func(code string) answer { return func(w http.ResponseWriter) { refuse(w, code, "no") } }
	page := func(status int) answer { return func(w http.ResponseWriter) { say(w, status, "<html>") } }
	cut := func(w http.ResponseWriter) { drop(w, "") }
	fault := func(w http.ResponseWriter) { say(w, 500, `{"__type":"InternalErrorException"}`) }
	refused, conflict := named("NotAuthorizedException"), named("ConcurrentModificationException")
	for _, test := range []struct {
		name    string
		answers []answer // the last one goes on
		unmade  bool
		within  time.Duration // zero: patience
	}{
		{"throttled", []answer{throttle}, true, 0},
		{"throttled by another name", []answer{named("ThrottlingException")}, true, 0},
		{"refused", []answer{refused}, true, 0},
		{"at the same time as another", []answer{conflict}, true, 0},
		{"by a signature", []answer{named("InvalidSignatureException")}, true, 0},
		{"throttled, then refused", []answer{throttle, refused}, true, 0},

		{"cut off", []answer{cut}, false, 0},
		{"reset", []answer{reset}, false, 0},
		{"half an answer", []answer{func(w http.ResponseWriter) { drop(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") }},
			false, 0},
		{"a fault", []answer{fault}, false, 0},
		{"a page", []answer{page(502)}, false, 0},
		{"a success that is none", []answer{page(200)}, false, 0},
		{"another refuses, whoever it is", []answer{page(403)}, false, 0},
		{"another throttles, whoever it is", []answer{page(429)}, false, 0},
		{"an error that nobody knows", []answer{named("SomethingNewException")}, false, 0},
		{"the request took too long", []answer{named("RequestTimeoutException")}, false, 0},
		{"another request is not complete", []answer{named("PriorRequestNotComplete")}, false, 0},
		{"a throttle with the status of a fault", []answer{func(w http.ResponseWriter) {
			say(w, 500, `{"__type":"TooManyRequestsException","message":"slow"}`)
		}}, false, 0},
		{"cut off, then throttled", []answer{cut, throttle}, false, 0},
		{"cut off, then refused", []answer{cut, refused}, false, 0},
		{"a fault, then at the same time as another", []answer{fault, conflict}, false, 0},
		{"throttled, cut off, throttled", []answer{throttle, cut, throttle}, false, 0},
		{"refused for time, then throttled", []answer{named("RequestTimeout"), throttle}, false, 0},
		{"throttled, then no answer in time", []answer{throttle, hang}, false, 300 * time.Millisecond},
	} {
		for _, operation := range []string{"SetIdentityPoolRoles", "UpdateIdentityPool", "SetPrincipalTagAttributeMap"} {
			s := serve(t, func(w http.ResponseWriter, r request) {
				test.answers[min(r.n, len(test.answers))-1](w)
			})
			ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(test.within, patience))
			_, err := standard(ctx, backend(t, s.URL), operation)
			cancel()
			if err == nil || cognito.Unmade(err) != test.unmade {
				t.Errorf("%s %s: %d requests, %v, unmade %t", operation, test.name, len(s.requests()), err, !test.unmade)
			}
		}
	}
}

// What never left was surely not made, and is a passing fault all the same.
func TestUnmadeWasNotSent(t *testing.T) {
	keyless := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no role")
	})
	s := serve(t, nil)
	for name, b := range map[string]*upstream.Backend{
		"no connection":  backend(t, "http://127.0.0.1:1", func(c *upstream.Config) { c.HTTPClient = (&undialled{}).client() }),
		"no credentials": backend(t, s.URL, func(c *upstream.Config) { c.Credentials = keyless }),
	} {
		_, err := standard(t.Context(), b, "SetIdentityPoolRoles")
		if !cognito.Unmade(err) || !cognito.Passing(err) || !errors.Is(err, cognito.ErrUnavailable) {
			t.Errorf("%s: %v, unmade %t", name, err, cognito.Unmade(err))
		}
	}
	if _, err := standard(t.Context(), backend(t, s.URL, func(c *upstream.Config) {
		c.Credentials = nil
	}), "SetIdentityPoolRoles"); !cognito.Unmade(err) {
		t.Errorf("unsigned: %v", err)
	}
	if len(s.requests()) != 0 {
		t.Errorf("%d requests", len(s.requests()))
	}
}

// A first attempt that left unanswered is not made good by a second that did not leave.
func TestUnmadeAfterConnectionsFail(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ request) { reset(w) })
	first := true
	lost := &undialled{}
	client := &http.Client{Transport: roundTrips(func(r *http.Request) (*http.Response, error) {
		if first {
			first = false
			return http.DefaultTransport.RoundTrip(r)
		}
		return lost.client().Transport.RoundTrip(r)
	})}
	_, err := standard(t.Context(), backend(t, s.URL, func(c *upstream.Config) {
		c.HTTPClient = client
	}), "SetIdentityPoolRoles")
	if lost.dials == 0 || cognito.Unmade(err) {
		t.Errorf("%d dials, %v, unmade %t", lost.dials, err, cognito.Unmade(err))
	}
}

type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
