package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

func guest(ctx context.Context, b *upstream.Backend) error {
	_, err := b.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool), Logins: map[string]string{}})
	return err
}

// failing answers the first n requests by fail, the others well.
func failing(n int, fail func(http.ResponseWriter)) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, r request) {
		if r.n <= n {
			fail(w)
			return
		}
		say(w, 200, answers[r.operation])
	}
}

func throttle(w http.ResponseWriter) { refuse(w, throttled, "Rate exceeded") }

// once are the operations that are not sent again after a request that may have
// arrived; GetId is one of them without logins only.
var once = []string{"CreateIdentityPool", "DeleteIdentityPool", "UnlinkIdentity", "MergeDeveloperIdentities",
	"UnlinkDeveloperIdentity"}

// What failed for a passing reason is tried three times; but what may already
// have happened, and must not happen twice, is not.
func TestRetries(t *testing.T) {
	lost := map[string]func(http.ResponseWriter){
		"closed":   func(w http.ResponseWriter) { drop(w, "") },
		"reset":    reset,
		"half":     func(w http.ResponseWriter) { drop(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") },
		"garbage":  func(w http.ResponseWriter) { say(w, 200, "{") },
		"500":      func(w http.ResponseWriter) { say(w, 500, `{"__type":"InternalErrorException"}`) },
		"page 502": func(w http.ResponseWriter) { say(w, 502, "<html>") },
	}
	for _, operation := range operations() {
		call := func(b *upstream.Backend) error { _, err := standard(t.Context(), b, operation); return err }
		check(t, operation+" throttled", call, failing(2, throttle), 3, true)
		check(t, operation+" throttled thrice", call, failing(3, throttle), 3, false)
		check(t, operation+" refused", call, failing(1, func(w http.ResponseWriter) {
			refuse(w, "NotAuthorizedException", "no")
		}), 1, false)
		for name, fail := range lost {
			if slices.Contains(once, operation) {
				check(t, operation+" "+name, call, failing(1, fail), 1, false)
			} else {
				check(t, operation+" "+name, call, failing(2, fail), 3, true)
			}
		}
	}
	call := func(b *upstream.Backend) error { return guest(t.Context(), b) }
	check(t, "guest throttled", call, failing(2, throttle), 3, true)
	for name, fail := range lost {
		check(t, "guest "+name, call, failing(1, fail), 1, false)
	}
}

func check(
	t *testing.T, what string, call func(*upstream.Backend) error, answer func(http.ResponseWriter, request), want int,
	well bool,
) {
	t.Helper()
	s := serve(t, answer)
	err := call(backend(t, s.URL))
	if got := len(s.requests()); got != want || (err == nil) != well {
		t.Errorf("%s: %d requests, %v; want %d, success %t", what, got, err, want, well)
	}
}

// Under cognito.WithoutRetries what the service answers is final; a connection that broke
// is not its answer.
func TestWithoutRetries(t *testing.T) {
	for _, operation := range operations() {
		call := func(b *upstream.Backend) error {
			_, err := standard(cognito.WithoutRetries(t.Context()), b, operation)
			return err
		}
		check(t, operation+" throttled", call, failing(1, throttle), 1, false)
		check(t, operation+" 500", call, failing(1, func(w http.ResponseWriter) { say(w, 500, `{"__type":"InternalErrorException"}`) }), 1, false)
		if !slices.Contains(once, operation) {
			check(t, operation+" closed", call, failing(1, func(w http.ResponseWriter) { drop(w, "") }), 2, true)
		}
	}
}

// undialled is a client whose connections are refused.
type undialled struct{ dials int }

func (u *undialled) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		u.dials++
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}}}
}

// A guest whose request never left is tried again.
func TestRetriesOfWhatWasNotSent(t *testing.T) {
	u := &undialled{}
	err := guest(t.Context(), backend(t, "http://127.0.0.1:1", func(c *upstream.Config) { c.HTTPClient = u.client() }))
	if u.dials != 3 || !cognito.Passing(err) {
		t.Errorf("%d dials, %v", u.dials, err)
	}
}

// No retry waits beyond the deadline: the failure at hand is the answer, at once.
// Nor does a deadline within a retry hide it.
func TestDeadlineAndRetries(t *testing.T) {
	for _, test := range []struct {
		name     string
		answer   func(http.ResponseWriter, request)
		delay    time.Duration
		deadline time.Duration
		code     string
		soon     bool
	}{
		{"a long delay", failing(9, throttle), time.Minute, 20 * time.Second, throttled, true},
		{"upstream asks for a long delay", failing(9, func(w http.ResponseWriter) {
			w.Header().Set("X-Amz-Retry-After", "4000")
			throttle(w)
		}), 0, 3 * time.Second, throttled, true},
		{"a retry that hangs", func(w http.ResponseWriter, r request) {
			if r.n == 1 {
				throttle(w)
				return
			}
			hang(w)
		}, 0, 300 * time.Millisecond, throttled, false},
		{"a retry that hangs after a fault", func(w http.ResponseWriter, r request) {
			if r.n == 1 {
				say(w, 500, `{"__type":"InternalErrorException","message":"of the service"}`)
				return
			}
			hang(w)
		}, 0, 300 * time.Millisecond, cognito.CodeInternal, false},
	} {
		s := serve(t, test.answer)
		b := backend(t, s.URL, func(c *upstream.Config) { c.Backoff = func(int) time.Duration { return test.delay } })
		ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
		begun := time.Now()
		_, err := standard(ctx, b, "GetId")
		spent := time.Since(begun)
		cancel()
		if err == nil || !cognito.Passing(err) || cognito.Public(err).ErrorCode() != test.code ||
			errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.soon && (spent > test.deadline/2 || len(s.requests()) != 1) {
			t.Errorf("%s: %d requests in %v", test.name, len(s.requests()), spent)
		}
	}
}

// A retry that may answer still waits for what upstream asks.
func TestRetryAfterInTime(t *testing.T) {
	s := serve(t, failing(1, func(w http.ResponseWriter) {
		w.Header().Set("X-Amz-Retry-After", "50")
		throttle(w)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun := time.Now()
	if _, err := standard(ctx, backend(t, s.URL), "GetId"); err != nil || time.Since(begun) < 50*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

// Callers' options reach the SDK, but cannot take the bound off its retries.
func TestOptionsOfCallers(t *testing.T) {
	s := serve(t, failing(9, throttle))
	home := serve(t, nil)
	_, err := backend(t, home.URL).GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool)},
		func(o *cognitoidentity.Options) {
			o.BaseEndpoint, o.Retryer, o.RetryMaxAttempts = aws.String(s.URL), aws.NopRetryer{}, 9
		})
	if len(s.requests()) != 3 || len(home.requests()) != 0 || err == nil {
		t.Errorf("%d requests, %v", len(s.requests()), err)
	}
}

// Without delays of our own the SDK's are waited for.
func TestDelaysOfTheSDK(t *testing.T) {
	s := serve(t, failing(1, func(w http.ResponseWriter) { say(w, 500, "") }))
	b := backend(t, s.URL, func(c *upstream.Config) { c.Backoff = nil })
	if _, err := standard(t.Context(), b, "GetId"); err != nil || len(s.requests()) != 2 {
		t.Errorf("%d requests, %v", len(s.requests()), err)
	}
}

// The clients that are kept are bounded, and dropping some is not seen.
func TestManyRegions(t *testing.T) {
	s := serve(t, nil)
	b := backend(t, s.URL, func(c *upstream.Config) { c.MaxRegions = 2 })
	for n := range 20 {
		in := &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(fmt.Sprintf("us-east-%d:1", n%5))}
		if _, err := b.GetId(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if kept := upstream.Kept(b); len(kept) > 2 || !slices.Contains(kept, fmt.Sprintf("us-east-%d", n%5)) {
			t.Fatalf("kept %v", kept)
		}
	}
}
