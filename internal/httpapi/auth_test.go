package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/telemetry"
)

const testPool = "us-east-1:00000000-0000-4000-8000-000000000001"

// silent is a backend that every operation reaches in vain, but for one.
type silent struct{ cognito.API }

func (silent) GetOpenIdTokenForDeveloperIdentity(context.Context, *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, ...func(*cognitoidentity.Options)) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	return nil, cognito.TooManyRequests("reached")
}

func (silent) GetId(context.Context, *cognitoidentity.GetIdInput, ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	return nil, cognito.TooManyRequests("reached")
}

type noCounts struct{}

func (noCounts) Lookup(string, string)         {}
func (noCounts) Exchange(string, string)       {}
func (noCounts) Flight(string)                 {}
func (noCounts) FlightWait(time.Duration)      {}
func (noCounts) Renewal(string)                {}
func (noCounts) Queue(int, int, time.Duration) {}
func (noCounts) Remaining(time.Duration)       {}

type signingKeys struct{}

func (signingKeys) Discovery() []byte                      { return []byte(`{}`) }
func (signingKeys) JWKS() []byte                           { return []byte(`{}`) }
func (signingKeys) Rotate(context.Context) (string, error) { return "k-2", nil }

// unasked is never asked.
type unasked struct{ Explainer }

// newTestServer is an edge whose backend answers TooManyRequests to whatever is
// let through.
func newTestServer(t *testing.T) *Server {
	t.Helper()
	known, err := callers.New("000000000000", []callers.Config{
		{Name: "developer", AccessKeys: []callers.AccessKey{{ID: "AKID1", Secret: "s1"}}, APIKeys: []callers.Digest{callers.DigestOf("key-developer")}, Scopes: []callers.Scope{callers.Developer}, Pools: []string{testPool}},
		{Name: "elsewhere", AccessKeys: []callers.AccessKey{{ID: "AKID2", Secret: "s2"}}, APIKeys: []callers.Digest{callers.DigestOf("key-elsewhere")}, Scopes: []callers.Scope{callers.Developer}, Pools: []string{testPool + "1"}},
		{Name: "admin", AccessKeys: []callers.AccessKey{{ID: "AKID3", Secret: "s3"}}, APIKeys: []callers.Digest{callers.DigestOf("key-admin")}, Scopes: []callers.Scope{callers.Admin}, Pools: []string{callers.AnyPool}},
		{Name: "small", AccessKeys: []callers.AccessKey{{ID: "AKID4", Secret: "s4"}}, APIKeys: []callers.Digest{callers.DigestOf("key-small")}, Scopes: []callers.Scope{callers.Admin}, Pools: []string{testPool}},
		{Name: "all", AccessKeys: []callers.AccessKey{{ID: "AKID5", Secret: "s5"}}, APIKeys: []callers.Digest{callers.DigestOf("key-all")}, Scopes: []callers.Scope{callers.Admin, callers.Developer, callers.Explain}, Pools: []string{callers.AnyPool}},
	})
	if err != nil {
		t.Fatal(err)
	}
	memo, err := cache.NewMemo(10, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(memo.Close)
	f := flows.New(flows.Config{Next: silent{}, Prover: nobodyProver{}, Directory: nil, Epochs: cache.NewEpochs(), Observer: noCounts{},
		DeveloperNames: map[string]string{testPool: "login.example"}, Timeout: time.Second})
	return New(Config{
		Flows: f, Wire: awswire.New(awswire.Config{API: f, Callers: known, AccountID: "000000000000"}), Memo: memo,
		Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), Callers: known, Issuer: signingKeys{}, Explainer: unasked{}, Origins: []string{"*"}, BodyBytes: 4096, RequestTimeout: time.Second,
	})
}

// send posts JSON and returns the answer with its problem, if it is one.
func (s *Server) send(t *testing.T, method, path, body string, header http.Header) (*http.Response, problem) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := s.app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p problem
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
	}
	return answer, p
}

// Who may call: the right key, whole, once, with the scope and the pool.
func TestCallersOfRest(t *testing.T) {
	s := newTestServer(t)
	const token, rotate = "/v1/pools/" + testPool + "/developer/token", "/v1/signing-keys/rotate"
	for name, c := range map[string]struct {
		path          string
		authorization []string
		status        int
		code          string
	}{
		"a developer":                {token, []string{"Bearer key-developer"}, 429, "TooManyRequestsException"},
		"scheme in small letters":    {token, []string{"bearer key-developer"}, 429, "TooManyRequestsException"},
		"scheme in capitals":         {token, []string{"BEARER key-developer"}, 429, "TooManyRequestsException"},
		"nobody":                     {token, nil, 401, codeNoAuthentication},
		"an unknown key":             {token, []string{"Bearer key-of-nobody"}, 401, codeUnknownClient},
		"a part of a key":            {token, []string{"Bearer key-develope"}, 401, codeUnknownClient},
		"a key and more":             {token, []string{"Bearer key-developer x"}, 401, codeUnknownClient},
		"two spaces":                 {token, []string{"Bearer  key-developer"}, 401, codeUnknownClient},
		"no key":                     {token, []string{"Bearer"}, 401, codeNoAuthentication},
		"another scheme":             {token, []string{"Basic a2V5LWRldmVsb3Blcg=="}, 401, codeNoAuthentication},
		"a bare key":                 {token, []string{"key-developer"}, 401, codeNoAuthentication},
		"the key twice":              {token, []string{"Bearer key-developer", "Bearer key-developer"}, 401, "IncompleteSignatureException"},
		"a good key and another":     {token, []string{"Bearer key-of-nobody", "Bearer key-developer"}, 401, "IncompleteSignatureException"},
		"another pool's":             {token, []string{"Bearer key-elsewhere"}, 403, cognito.CodeAccessDenied},
		"another scope":              {token, []string{"Bearer key-admin"}, 403, cognito.CodeAccessDenied},
		"an admin":                   {rotate, []string{"Bearer key-admin"}, 200, ""},
		"an admin of one pool":       {rotate, []string{"Bearer key-small"}, 403, cognito.CodeAccessDenied},
		"a developer as an admin":    {rotate, []string{"Bearer key-developer"}, 403, cognito.CodeAccessDenied},
		"nobody as an admin":         {rotate, nil, 401, codeNoAuthentication},
		"a query is no signature":    {token + "?x=1", nil, 401, codeNoAuthentication},
		"a signature in the query":   {token + "?X-Amz-Signature=x", nil, 401, "IncompleteSignatureException"},
		"a key beside a query":       {token + "?x=1", []string{"Bearer key-developer"}, 429, "TooManyRequestsException"},
		"pool in other spelling":     {strings.Replace(token, ":", "%3A", 1), []string{"Bearer key-developer"}, 429, "TooManyRequestsException"},
		"pool with a slash after it": {strings.Replace(token, testPool, testPool+"%2F", 1), []string{"Bearer key-developer"}, 403, cognito.CodeAccessDenied},
	} {
		body := `{"userIdentifier":"u"}`
		if c.path == rotate {
			body = `{}`
		}
		answer, p := s.send(t, http.MethodPost, c.path, body, http.Header{"Authorization": c.authorization})
		if answer.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s: got %d %s %q, want %d %s", name, answer.StatusCode, p.Code, p.Detail, c.status, c.code)
		}
		if (answer.Header.Get("Www-Authenticate") != "") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate: got %q with %d", name, answer.Header.Get("Www-Authenticate"), c.status)
		}
	}
}

// A wrong API key is told of with its address, and beyond the limit refused as such; a right
// one is neither.
func TestWrongKeysOfRest(t *testing.T) {
	const token = "/v1/pools/" + testPool + "/developer/token"
	for _, f := range []struct {
		key    string
		wait   time.Duration
		status int
		told   string
		retry  string
	}{
		{"key-of-nobody", 0, 401, "0.0.0.0 api_key", ""},
		{"key-of-nobody", 1500 * time.Millisecond, 429, "0.0.0.0 api_key", "2"},
		{"key-elsewhere", time.Minute, 403, "", ""},
	} {
		s, told := newTestServer(t), ""
		s.Failed = func(address string, what callers.Failure) time.Duration {
			told += address + " " + string(what)
			return f.wait
		}
		answer, p := s.send(t, http.MethodPost, token, `{"userIdentifier":"u"}`, http.Header{"Authorization": {"Bearer " + f.key}})
		if answer.StatusCode != f.status || told != f.told || answer.Header.Get("Retry-After") != f.retry {
			t.Errorf("%s, to wait %v: got %d %s, Retry-After %q, told of %q; want %+v", f.key, f.wait, answer.StatusCode, p.Code, answer.Header.Get("Retry-After"), told, f)
		}
	}
}

// nobodyProver knows no provider.
type nobodyProver struct{ flows.Prover }

func (nobodyProver) Known(string) bool { return false }

// Every REST route answers errors as problems that nobody stores.
func TestProblemsOfAllRoutes(t *testing.T) {
	s := newTestServer(t)
	who := http.Header{"Authorization": {"Bearer key-all"}}
	for _, r := range s.handlers.restRoutes() {
		path := strings.Replace(r.path, ":pool", testPool, 1)
		if r.scope == callers.Admin || strings.Contains(r.path, ":identity") {
			continue // tried where each is: TestCallersOfRest, place_test.go, and cmd/broker/rest_admin_test.go
		}
		for name, c := range map[string]struct {
			body, content string
			status        int
			code          string
		}{
			"an unknown member": {`{"loginss":{}}`, "", 400, cognito.CodeSerialization},
			"a member twice":    {`{"logins":{},"logins":{}}`, "", 400, cognito.CodeSerialization},
			"no object":         {`[]`, "", 400, cognito.CodeSerialization},
			"trailing bytes":    {`{} {}`, "", 400, cognito.CodeSerialization},
			"no JSON":           {`{`, "", 400, cognito.CodeSerialization},
			"another type":      {`{}`, "text/plain", 415, codeContentType},
			"another encoding":  {`{}`, "application/json; charset=utf-16", 415, codeContentType},
			"a form":            {`a=b`, "application/x-www-form-urlencoded", 415, codeContentType},
			"too large":         {`{"logins":{"a":"` + strings.Repeat("x", 5000) + `"}}`, "", 413, cognito.CodeTooLarge},
		} {
			if r.method != http.MethodPost {
				continue
			}
			header := who.Clone()
			if c.content != "" {
				header.Set("Content-Type", c.content)
			}
			answer, p := s.send(t, r.method, path, c.body, header)
			checkProblem(t, r.op+", "+name, answer, p, c.status, c.code)
		}
		if r.method == http.MethodPost && !s.takesPut(r.path) {
			answer, p := s.send(t, http.MethodPut, path, `{}`, who)
			checkProblem(t, r.op+", another method", answer, p, 405, codeMethod)
		}
	}
	answer, p := s.send(t, http.MethodPost, "/v1/nothing", `{}`, nil)
	checkProblem(t, "no route", answer, p, 404, codeNoRoute)
}

func (s *Server) takesPut(path string) bool {
	for _, r := range s.handlers.restRoutes() {
		if r.path == path && r.method == http.MethodPut {
			return true
		}
	}
	return false
}

func checkProblem(t *testing.T, name string, answer *http.Response, p problem, status int, code string) {
	t.Helper()
	if answer.StatusCode != status || p.Status != status || p.Code != code {
		t.Errorf("%s: got %d, problem %d %s %q, want %d %s", name, answer.StatusCode, p.Status, p.Code, p.Detail, status, code)
	}
	if p.Type == "" || p.Title == "" || p.Detail == "" || p.RequestID == "" || p.RequestID != answer.Header.Get("X-Request-Id") {
		t.Errorf("%s: got %+v, want all members, and the header's request id", name, p)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: Cache-Control: got %q, want no-store", name, got)
	}
}

// A body for callers is decoded once its sender has proven who he is; one for apps has few values.
func TestValuesOfBodies(t *testing.T) {
	s := newTestServer(t)
	values := func(n int) string { return `{"x":[` + strings.TrimSuffix(strings.Repeat("0,", n-2), ",") + `]}` }
	key := http.Header{"Authorization": {"Bearer key-all"}}
	const app, caller = "/v1/pools/" + testPool + "/identities", "/v1/pools/" + testPool + "/developer/lookup"
	const tooMany, unknown = "The request body holds too many values.", "x"
	for name, f := range map[string]struct {
		path, body string
		header     http.Header
		status     int
		detail     string
	}{
		"an app":              {app, values(awswire.ValuesOfApps), nil, 400, unknown},
		"an app, one more":    {app, values(awswire.ValuesOfApps + 1), nil, 400, tooMany},
		"a caller":            {caller, values(awswire.ValuesOfApps + 1), key, 400, unknown},
		"nobody, broken JSON": {caller, "{", nil, 401, ""},
	} {
		if r, p := s.send(t, "POST", f.path, f.body, f.header); r.StatusCode != f.status || !strings.Contains(p.Detail, f.detail) || f.detail == unknown && p.Detail == tooMany {
			t.Errorf("%s: got %d %+v, want %d %s", name, r.StatusCode, p, f.status, f.detail)
		}
	}
}
