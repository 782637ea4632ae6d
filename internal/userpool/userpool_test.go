package userpool_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/userpool"
)

// pool is a stand-in for a user pool: it answers with what is set.
type pool struct {
	*httptest.Server
	asked  atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
}

// there is an answer about the user whose sub is sub.
const there = `{"Username":"alice","Enabled":true,"UserAttributes":[{"Name":"sub","Value":"sub"}]}`

func start(t *testing.T) *pool {
	t.Helper()
	p := &pool{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(p.Close)
	p.says(200, there)
	return p
}

func (p *pool) says(status int, body string) {
	p.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); io.WriteString(w, body) })
}

func (p *pool) does(h http.HandlerFunc) { p.answer.Store(&h) }

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
})

func checker(t *testing.T, p *pool, now func() time.Time) *userpool.Checker {
	t.Helper()
	c, err := userpool.New(userpool.Config{
		Region: "eu-west-1", Pool: "eu-west-1_abc", Endpoint: p.URL, Credentials: credentials, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func kind(err error) string {
	if _, gone := errors.AsType[*userpool.Gone](err); gone {
		return "gone"
	}
	if _, down := errors.AsType[*userpool.Unavailable](err); down {
		return "unavailable"
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Only what the service says of the user refuses him; all else could not be asked.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, there, ""},
		{
			200, `{"Enabled":true,"UserAttributes":[{"Name":"email","Value":"x"},{"Name":"sub","Value":"sub"}]}`, "",
		},
		{200, `{"Enabled":true,"UserAttributes":[{"Name":"sub","Value":"another"}]}`, "gone"},
		{200, `{"Enabled":true,"UserAttributes":[{"Name":"email","Value":"sub"}]}`, "unavailable"},
		{200, `{"Enabled":true,"UserAttributes":"sub"}`, "unavailable"},
		{200, `{"Enabled":true}`, "unavailable"},
		{200, `{"Enabled":false}`, "gone"},
		{400, `{"__type":"UserNotFoundException","message":"User does not exist."}`, "gone"},
		{400, `{"__type":"com.amazonaws.cognito#UserNotFoundException"}`, "gone"},
		{200, `{"Username":"alice"}`, "unavailable"},
		{200, `{"Enabled":null}`, "unavailable"},
		{200, `{"Enabled":"true"}`, "unavailable"},
		{200, `<html>`, "unavailable"},
		{200, ``, "unavailable"},
		{200, `{"Enabled":true,"x":"` + strings.Repeat("x", 1<<20) + `"}`, "unavailable"},
		{400, `{"__type":"ResourceNotFoundException"}`, "unavailable"},
		{400, `{"__type":"NotAuthorizedException"}`, "unavailable"},
		{400, `{"__type":"TooManyRequestsException"}`, "unavailable"},
		{403, `{"__type":"UserNotFoundException"}`, "unavailable"},
		{404, `not here`, "unavailable"},
		{500, `{"__type":"UserNotFoundException"}`, "unavailable"},
		{302, ``, "unavailable"},
	} {
		p := start(t)
		p.says(c.status, c.body)
		_, err := checker(t, p, nil).Check(t.Context(), "alice", "sub", userpool.Issue)
		if got := kind(err); got != c.want {
			t.Errorf("%d %.60s: got %q (%v), want %q", c.status, c.body, got, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "alice") || strings.Contains(err.Error(), p.URL)) {
			t.Errorf("%d %.60s: the error names somebody: %v", c.status, c.body, err)
		}
	}
	p := start(t)
	p.Close()
	if _, err := checker(t, p, nil).Check(t.Context(), "alice", "sub", userpool.Issue); kind(err) != "unavailable" {
		t.Errorf("nobody there: got %v", err)
	}
	long := strings.Repeat("a", 129)
	for _, c := range []struct{ name, subject string }{{"", ""}, {"", long}, {long, "sub"}} { // nobody is asked for them
		if _, err := checker(t, p, nil).Check(t.Context(), c.name, c.subject, userpool.Issue); kind(err) != "gone" {
			t.Errorf("%d characters, a sub of %d: got %v", len(c.name), len(c.subject), err)
		}
	}
}

// The question is an AdminGetUser that is signed for the pool's region.
func TestQuestion(t *testing.T) {
	p := start(t)
	var got *http.Request
	var body map[string]string
	p.does(func(w http.ResponseWriter, r *http.Request) {
		got = r
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		io.WriteString(w, there)
	})
	if _, err := checker(t, p, nil).Check(t.Context(), "alïce", "sub", userpool.Issue); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.URL.Path != "/" ||
		body["UserPoolId"] != "eu-west-1_abc" || body["Username"] != "alïce" ||
		got.Header.Get("X-Amz-Target") != "AWSCognitoIdentityProviderService.AdminGetUser" ||
		got.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("got %s %s %v with %v", got.Method, got.URL, got.Header, body)
	}
	if auth := got.Header.Get("Authorization"); !strings.Contains(auth, "AKIDEXAMPLE/") ||
		!strings.Contains(auth, "/eu-west-1/cognito-idp/aws4_request") || !strings.Contains(auth, "x-amz-target") {
		t.Errorf("got Authorization %q", auth)
	}
}

// A user whose name is not known is asked for by the one that he was last there under, else by his sub; nobody
// else's name is his.
func TestUsersWithoutAName(t *testing.T) {
	p := start(t)
	now := time.Unix(1_800_000_000, 0)
	c := checker(t, p, func() time.Time { return now })
	var asked string
	p.does(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Username string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		asked = in.Username
		if asked != "alice" && asked != "sub" {
			w.WriteHeader(400)
			io.WriteString(w, `{"__type":"UserNotFoundException"}`)
			return
		}
		io.WriteString(w, there)
	})
	check := func(what, name, subject, asks, want string) {
		t.Helper()
		now, asked = now.Add(time.Minute), ""
		_, err := c.Check(t.Context(), name, subject, userpool.Issue)
		if got := kind(err); got != want || asked != asks {
			t.Errorf("%s: got %q, asked for %q; want %q, %q", what, got, asked, want, asks)
		}
	}
	check("never met", "", "sub", "sub", "")
	check("nobody", "", "other", "other", "gone")
	check("whose name somebody else has", "alice", "other", "alice", "gone")
	check("who has none yet", "", "other", "other", "gone")
	check("by his name", "alice", "sub", "alice", "")
	check("met by his name", "", "sub", "alice", "")
	check("neither", "", "", "", "gone")
}

// An answer is good for as long as whoever wants to know allows; a user pool that could not be
// asked is asked again a second later.
func TestAnswersAge(t *testing.T) {
	p := start(t)
	now := time.Unix(1_800_000_000, 0)
	c := checker(t, p, func() time.Time { return now })
	check := func(what string, within time.Duration, asked int32, want string) {
		t.Helper()
		at, err := c.Check(t.Context(), "alice", "sub", within)
		if got := kind(err); got != want || p.asked.Load() != asked || err == nil && now.Sub(at) > within {
			t.Errorf("%s: got %q, asked %d times, of %v; want %q, %d", what, got, p.asked.Load(), now.Sub(at), want, asked)
		}
	}
	check("first", userpool.Issue, 1, "")
	now = now.Add(5 * time.Second)
	check("at 5 s, to issue", userpool.Issue, 1, "")
	now = now.Add(time.Second)
	check("at 6 s, to answer", userpool.Fresh, 1, "")
	check("at 6 s, to issue", userpool.Issue, 2, "")
	now = now.Add(61 * time.Second)
	p.says(400, `{"__type":"UserNotFoundException"}`)
	check("61 s later, and he is gone", userpool.Fresh, 3, "gone")
	p.says(503, ``)
	check("remembered as gone", userpool.Fresh, 3, "gone")
	now = now.Add(61 * time.Second)
	check("nobody answers", userpool.Fresh, 4, "unavailable")
	check("nor again", userpool.Fresh, 4, "unavailable")
	now = now.Add(time.Second - 1)
	check("nor within a second", userpool.Fresh, 4, "unavailable")
	now = now.Add(1)
	check("asked again", userpool.Fresh, 5, "unavailable")
	now = now.Add(time.Second)
	p.says(200, there)
	check("he is back", userpool.Issue, 6, "")
}

// All who want to know the same ask once, and each leaves on his own.
func TestOneQuestion(t *testing.T) {
	p := start(t)
	arrived, gate := make(chan struct{}, 1), make(chan struct{})
	p.does(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-gate
		io.WriteString(w, there)
	})
	c := checker(t, p, nil)
	var all sync.WaitGroup
	ask := func() {
		all.Go(func() {
			if _, err := c.Check(t.Context(), "alice", "sub", userpool.Issue); err != nil {
				t.Error(err)
			}
		})
	}
	ask()
	<-arrived
	for range 20 {
		ask()
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Check(impatient, "alice", "sub", userpool.Issue); !errors.Is(err, context.Canceled) {
		t.Errorf("who left: got %v", err)
	}
	close(gate)
	all.Wait()
	if n := p.asked.Load(); n != 1 {
		t.Errorf("got %d questions, want 1", n)
	}
}
