package upstream_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

const throttled = "TooManyRequestsException"

// faults are what may come instead of an answer, and what callers are told. Each
// answer that could be taken for one of the service carries secrets.
var faults = []struct {
	name   string
	answer func(http.ResponseWriter)
	code   string // empty: InternalErrorException
}{
	{name: "reset before the answer", answer: func(w http.ResponseWriter) { drop(w, "") }},
	{name: "reset by force", answer: reset},
	{name: "reset mid-header", answer: func(w http.ResponseWriter) { drop(w, "HTTP/1.1 200 OK\r\nContent-") }},
	{name: "reset mid-body", answer: func(w http.ResponseWriter) {
		drop(w, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"+credentialsOf(id)[:200])
	}},
	{name: "half of a refusal", answer: func(w http.ResponseWriter) {
		drop(w, "HTTP/1.1 400 Bad Request\r\nContent-Length: 900\r\n\r\n"+`{"__type":"NotAuthorizedException"`)
	}},
	{name: "no HTTP", answer: func(w http.ResponseWriter) { drop(w, "SSH-2.0-OpenSSH_9.6\r\n") }},
	{name: "garbage", answer: func(w http.ResponseWriter) { say(w, 200, "\x00\xff"+login) }},
	{name: "half JSON", answer: func(w http.ResponseWriter) { say(w, 200, credentialsOf(id)[:200]) }},
	{name: "JSON and more", answer: func(w http.ResponseWriter) { say(w, 200, credentialsOf(id)+"x") }},
	{name: "other JSON", answer: func(w http.ResponseWriter) { say(w, 200, `["token-of-the-session"]`) }},
	{name: "member of another type",
		answer: func(w http.ResponseWriter) { say(w, 200, `{"IdentityId":["token-of-the-session"]}`) }},
	{name: "page 200", answer: func(w http.ResponseWriter) { say(w, 200, "<html>log in") }},
	{name: "page 400", answer: func(w http.ResponseWriter) { say(w, 400, "<html>"+login) }},
	{name: "page 403", answer: func(w http.ResponseWriter) { say(w, 403, "<html>forbidden") }},
	{name: "page 502", answer: func(w http.ResponseWriter) { say(w, 502, "<html>bad gateway") }},
	{name: "500", answer: func(w http.ResponseWriter) { say(w, 500, "") }},
	{name: "500 with type", answer: func(w http.ResponseWriter) {
		say(w, 500, `{"__type":"InternalErrorException","message":"Oops"}`)
	}},
	{name: "503 with a refusal's type",
		answer: func(w http.ResponseWriter) { say(w, 503, `{"__type":"NotAuthorizedException"}`) }},
	{name: "400 without type", answer: func(w http.ResponseWriter) { say(w, 400, `{}`) }},
	{name: "400 of unknown type", answer: func(w http.ResponseWriter) { refuse(w, "ForbiddenException", login) }},
	{name: "our key", answer: func(w http.ResponseWriter) { refuse(w, "UnrecognizedClientException", "bad AKIDEXAMPLE") }},
	{name: "our signature", answer: func(w http.ResponseWriter) {
		refuse(w, "InvalidSignatureException", "should have been x-amz-security-token:token-of-the-session")
	}},
	{name: "our session", answer: func(w http.ResponseWriter) { refuse(w, "ExpiredTokenException", "x") }},
	{name: "our missing key", answer: func(w http.ResponseWriter) {
		refuse(w, "MissingAuthenticationTokenException", "x")
	}},
	{name: "our JSON", answer: func(w http.ResponseWriter) { refuse(w, "SerializationException", "x") }},
	{name: "throttled", answer: func(w http.ResponseWriter) { refuse(w, throttled, "Rate exceeded") }, code: throttled},
	{name: "throttled otherwise", answer: func(w http.ResponseWriter) {
		refuse(w, "ThrottlingException", "slow")
	}, code: throttled},
	{name: "throttled by a page", answer: func(w http.ResponseWriter) { say(w, 429, "<html>slow") }, code: throttled},
	{name: "slow down 503", answer: func(w http.ResponseWriter) { say(w, 503, `{"__type":"SlowDown"}`) }, code: throttled},
}

// faulty checks one failed call: it ended before its deadline, is passing, is
// told as code, and tells no secret.
func faulty(t *testing.T, what string, begun time.Time, err error, code string) {
	t.Helper()
	if code == "" {
		code = cognito.CodeInternal
	}
	if spent := time.Since(begun); spent > patience+time.Second {
		t.Errorf("%s: took %v", what, spent)
	}
	if err == nil || !cognito.Passing(err) {
		t.Errorf("%s: %v, want a passing fault", what, err)
		return
	}
	if got := cognito.Public(err).ErrorCode(); got != code {
		t.Errorf("%s: told as %s, want %s", what, got, code)
	}
	silent(t, what, err)
}

// silent checks that no part of err's tree tells a secret.
func silent(t *testing.T, what string, err error) {
	t.Helper()
	text := err.Error()
	if _, deserialization := errors.AsType[*smithy.DeserializationError](err); deserialization {
		t.Errorf("%s: the error carries the answer's body", what)
	}
	if cause := cognito.Cause(err); cause != nil {
		text += cause.Error()
	}
	for _, secret := range []string{login, "token-of-the-session", "secret-of-the-session", "secret-of-the-broker",
		"eyJ"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: the error tells %q", what, secret)
		}
	}
}

// patience is the deadline of calls that are answered at once.
const patience = 5 * time.Second

// Nothing that is no answer of the service is told as one of its refusals.
func TestFaults(t *testing.T) {
	// One unsigned call, one signed, one without output, one that is not repeated.
	calls := []string{"GetCredentialsForIdentity", "DescribeIdentityPool", "DeleteIdentityPool", "CreateIdentityPool"}
	for _, fault := range faults {
		for _, operation := range calls {
			if operation == "DeleteIdentityPool" && (fault.name == "other JSON" || fault.name == "member of another type") {
				continue // it reads no members
			}
			s := serve(t, func(w http.ResponseWriter, _ request) { fault.answer(w) })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			begun := time.Now()
			_, err := standard(ctx, backend(t, s.URL), operation)
			cancel()
			faulty(t, fault.name+", "+operation, begun, err, fault.code)
		}
	}
}

// A member of another type is nothing that the operations without output see.
func TestFaultsOfMembers(t *testing.T) {
	for _, body := range []string{`{"IdentityId":["token-of-the-session"]}`, `{"Credentials":"token-of-the-session"}`,
		`{"IdentityId":"a","Credentials":{"Expiration":"token-of-the-session"}}`} {
		s := serve(t, func(w http.ResponseWriter, _ request) { say(w, 200, body) })
		begun := time.Now()
		_, err := standard(t.Context(), backend(t, s.URL), "GetCredentialsForIdentity")
		faulty(t, body, begun, err, "")
	}
}

// A call ends with its deadline, whatever upstream withholds.
func TestHanging(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hangs := map[string]string{"refused": "http://" + closed.Addr().String()}
	for name, begin := range map[string]string{
		"silent": "", "slow header": "HTTP/1.1 200 OK\r\n", "slow body": "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
	} {
		hangs[name] = serve(t, func(w http.ResponseWriter, _ request) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			rw.WriteString(begin)
			rw.Flush()
			conn.Read(make([]byte, 1)) // until the client leaves
		}).URL
	}
	for name, url := range hangs {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		begun := time.Now()
		_, err := standard(ctx, backend(t, url), "GetId")
		cancel()
		faulty(t, name, begun, err, "")
		if spent := time.Since(begun); spent > 2*time.Second {
			t.Errorf("%s: took %v of 200ms", name, spent)
		}
	}
}

// No redirect is followed: it would carry logins to wherever it points.
func TestNoRedirects(t *testing.T) {
	elsewhere := serve(t, nil)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, func(w http.ResponseWriter, _ request) {
			w.Header().Set("Location", elsewhere.URL)
			say(w, status, `{"__type":"NotAuthorizedException"}`)
		})
		begun := time.Now()
		_, err := standard(t.Context(), backend(t, s.URL), "GetId")
		faulty(t, http.StatusText(status), begun, err, "")
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// A body without end is cut off.
func TestEndlessAnswer(t *testing.T) {
	for _, status := range []int{200, 400} {
		s := serve(t, func(w http.ResponseWriter, _ request) {
			w.WriteHeader(status)
			for _, err := w.Write([]byte(`{"a":"`)); err == nil; {
				_, err = w.Write([]byte(strings.Repeat("token-of-the-session", 1000)))
			}
		})
		begun := time.Now()
		_, err := standard(t.Context(), backend(t, s.URL, func(c *upstream.Config) { c.MaxAttempts = 1 }), "GetId")
		faulty(t, "endless", begun, err, "")
	}
}

// brokenCredentials fail as an STS would refuse the broker.
type brokenCredentials struct{}

func (brokenCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400}},
		Err:      &smithy.GenericAPIError{Code: cognito.CodeAccessDenied, Message: "not you", Fault: smithy.FaultClient},
	}
}

// What the broker's own credentials come to is no business of callers.
func TestBrokenCredentials(t *testing.T) {
	s := serve(t, nil)
	b := backend(t, s.URL, func(c *upstream.Config) { c.Credentials = brokenCredentials{} })
	for _, operation := range operations() {
		begun := time.Now()
		_, err := standard(t.Context(), b, operation)
		if !unsigned[operation] {
			faulty(t, operation, begun, err, "")
		} else if err != nil {
			t.Errorf("%s: %v", operation, err)
		}
	}
}
