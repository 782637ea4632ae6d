package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

const evil, console = "https://evil.example", "https://console.example"

func (s *Server) preflighted(t *testing.T, path, method, origin, headers string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodOptions, path, nil)
	for name, value := range map[string]string{"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := s.app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// pathOf is a path of a route.
func pathOf(pattern string) string {
	return strings.NewReplacer(":pool", testPool, ":provider", "idp.example", ":identity", "us-east-1:00").Replace(pattern)
}

// noCORS fails where an answer says anything of pages.
func noCORS(t *testing.T, what string, h http.Header) {
	t.Helper()
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: got %s: %s, want nothing for pages", what, name, h.Get(name))
		}
	}
}

// Pages learn which methods of a path are for apps, and may send what headers they like.
// The wire takes POST alone (docs/cognito.md#signatures-and-browsers).
func TestPreflightsOfApps(t *testing.T) {
	s := newTestServer(t)
	const pool = "/v1/pools/" + testPool
	paths := []string{"/"}
	for _, r := range s.handlers.restRoutes() {
		if !r.forCallers() {
			paths = append(paths, pathOf(r.path), strings.Replace(pathOf(r.path), ":", "%3A", 1))
		}
	}
	if !slices.Contains(paths, pool+"/identities") {
		t.Errorf("got paths %v, want that of identities", paths)
	}
	for _, path := range paths {
		answer := s.preflighted(t, path, "POST", evil, "content-type,x-amz-target,x-own")
		h := answer.Header
		if got := h.Get("Access-Control-Allow-Methods"); answer.StatusCode != 200 || got != "POST" {
			t.Errorf("%s: got %d with methods %q, want POST", path, answer.StatusCode, got)
		}
		if h.Get("x-amzn-RequestId") == "" || h.Get("Vary") != "" {
			t.Errorf("%s: got %v, want a request id, and the same answer for all pages", path, h)
		}
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") != "content-type,x-amz-target,x-own" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: got %v, want any origin with the headers that it asked for, and no credentials", path, h)
		}
	}
	if answer := s.preflighted(t, "/v1/nothing", "POST", evil, ""); answer.StatusCode != 404 {
		t.Errorf("no route: got %d, want 404", answer.StatusCode)
	}
}

// No page may call what is for callers, nor read an answer, unless its origin is named.
func TestCallerRoutesAndPages(t *testing.T) {
	closed, open := newTestServer(t), newTestServer(t)
	open.origins = newOrigins([]string{"*"}, []string{console}, "")
	for _, r := range closed.handlers.restRoutes() {
		path, what := pathOf(r.path), r.method+" "+r.path
		ask := func(s *Server, origin string) http.Header {
			request := httptest.NewRequest(r.method, path, strings.NewReader("{}"))
			request.Header.Set("Origin", origin)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer key-nobody")
			answer, err := s.app.Test(request, -1)
			if err != nil {
				t.Fatal(err)
			}
			return answer.Header
		}
		if !r.forCallers() {
			if got := ask(closed, evil).Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("%s: got %q, want any page to read it", what, got)
			}
			continue
		}
		for name, s := range map[string]*Server{"none": closed, "another": open} {
			answer := s.preflighted(t, path, r.method, evil, "authorization")
			if answer.StatusCode != 403 {
				t.Errorf("%s, %s named: got %d, want 403", what, name, answer.StatusCode)
			}
			noCORS(t, what, answer.Header)
			noCORS(t, what, ask(s, evil))
			if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("%s, %s named: got a refusal as %s, want a problem", what, name, got)
			}
		}
		h := open.preflighted(t, path, r.method, console, "authorization").Header
		all := strings.Split(h.Get("Access-Control-Allow-Methods"), ",")
		if slices.Contains(all, http.MethodGet) != slices.Contains(all, http.MethodHead) {
			t.Errorf("%s, named: got methods %v, want HEAD where GET is", what, all)
		}
		if h.Get("Access-Control-Allow-Origin") != console || !slices.Contains(strings.Split(h.Get("Access-Control-Allow-Methods"), ","), r.method) || h.Get("Access-Control-Allow-Headers") != "authorization" || h.Get("Vary") != "Origin" {
			t.Errorf("%s, named: got %v, want it allowed", what, h)
		}
		if h := ask(open, console); h.Get("Access-Control-Allow-Origin") != console || h.Get("Vary") != "Origin" || h.Get("Access-Control-Expose-Headers") != restExpose {
			t.Errorf("%s, named: got %v, want it to be read", what, h)
		}
	}
	for _, origin := range []string{"", "null", console + ".evil.example", "https://consoleXexample", "HTTPS://console.example", console + ":443"} {
		if answer := open.preflighted(t, "/v1/pools", "GET", origin, "authorization"); answer.StatusCode != 403 {
			t.Errorf("%q: got %d, want 403", origin, answer.StatusCode)
		}
	}
	if got := open.preflighted(t, "/v1/pools/"+testPool+"/identities", "GET", evil, "authorization"); got.StatusCode != 403 {
		t.Errorf("a list of identities, whose path apps have too: got %d, want 403", got.StatusCode)
	}
}

// On the wire only pages of callers may sign as callers do; all may as apps do.
func TestWireAndPages(t *testing.T) {
	s := newTestServer(t)
	s.origins = newOrigins([]string{"*"}, []string{console}, "https://broker.example")
	const session = "authorization,content-type,x-amz-date,x-amz-security-token"
	for _, test := range []struct{ origin, headers, want string }{
		{evil, "content-type,x-amz-target,x-amz-user-agent", "content-type,x-amz-target,x-amz-user-agent"},
		{evil, "Authorization,content-type", "content-type"},
		{evil, "content-type, authorization ,x-amz-date", "content-type,x-amz-date"},
		{evil, "authorization", ""},
		{evil, session, session},
		{console, "authorization,content-type", "authorization,content-type"},
	} {
		if got := s.preflighted(t, "/", "POST", test.origin, test.headers).Header.Get("Access-Control-Allow-Headers"); got != test.want {
			t.Errorf("%s asks for %s: got %q, want %q", test.origin, test.headers, got, test.want)
		}
	}
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		target, content, authorization, token, origin string
		allowed                                       string // origin
		refused                                       bool   // for its origin
	}{
		"app":                        {"GetId", wireContent, "", "", evil, "*", false},
		"app, signed":                {"GetId", wireContent, "AWS4-HMAC-SHA256 x", "", evil, "*", false},
		"no operation":               {"Nonsense", wireContent, "", "", evil, "*", false},
		"caller, no page":            {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", "", "", false},
		"caller, a page":             {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", evil, "", true},
		"caller, a page's token":     {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "t", evil, "", true},
		"caller, an unsigned page":   {"ListIdentityPools", wireContent, "", "", evil, "", true},
		"caller, a hidden page":      {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", "null", "", true},
		"caller, a page's lookalike": {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", "https://broker.example.evil", "", true},
		"caller, a named page":       {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", console, console, false},
		"caller, its own page":       {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", "http://example.com", "", false},
		"caller, the public page":    {"ListIdentityPools", wireContent, "AWS4-HMAC-SHA256 x", "", "https://broker.example", "", false},
		"STS":                        {"", form, "", "", evil, "*", false},
		"STS, a session":             {"", form, "AWS4-HMAC-SHA256 x", "t", evil, "*", false},
		"STS, a caller":              {"", form, "AWS4-HMAC-SHA256 x", "", evil, "", true},
		"STS, a named page":          {"", form, "AWS4-HMAC-SHA256 x", "", console, console, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}")) // Host: example.com
		for header, value := range map[string]string{"Content-Type": test.content, "Authorization": test.authorization, "X-Amz-Security-Token": test.token, "Origin": test.origin} {
			if value != "" {
				r.Header.Set(header, value)
			}
		}
		if test.target != "" {
			r.Header.Set("X-Amz-Target", targetPrefix+test.target)
		}
		answer, err := s.app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		refused := strings.Contains(answer.Header.Get("x-amzn-ErrorMessage"), "Pages of this origin")
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != test.allowed || refused != test.refused {
			t.Errorf("%s: got origin %q, refused %v, want %q, %v", name, got, refused, test.allowed, test.refused)
		}
		if test.allowed == "" {
			noCORS(t, name, answer.Header)
		}
	}
}

// Where the pages of apps are named, others read nothing; and what fails before it reaches a
// route is read by whom the route is for.
func TestNamedAppsAndFailures(t *testing.T) {
	s := newTestServer(t)
	s.origins = newOrigins([]string{"https://app.example"}, []string{console}, "")
	large := strings.Repeat("x", 5000)
	for _, test := range []struct {
		method, path, origin, body, want string
		status                           int
	}{
		{"POST", "/v1/pools/" + testPool + "/identities", "https://app.example", "{}", "https://app.example", 429},
		{"POST", "/v1/pools/" + testPool + "/identities", console, "{}", console, 429},
		{"POST", "/v1/pools/" + testPool + "/identities", evil, "{}", "", 429},
		{"POST", "/v1/pools/" + testPool + "/identities", "https://app.example", large, "https://app.example", 413},
		{"PUT", "/v1/pools/" + testPool, "https://app.example", large, "", 413},
		{"PUT", "/v1/pools/" + testPool, console, large, console, 413},
		{"POST", "/v1/none", "https://app.example", "{}", "", 404},
		{"POST", "/", "https://app.example", large, "https://app.example", 413},
		{"POST", "/", evil, large, "", 413},
	} {
		r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		r.Header.Set("Origin", test.origin)
		r.Header.Set("Content-Type", "application/json")
		answer, err := s.app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != test.want || answer.StatusCode != test.status || answer.Header.Get("Vary") != "Origin" {
			t.Errorf("%s %s of %s: got %d for %q, Vary %q; want %d for %q", test.method, test.path, test.origin, answer.StatusCode, got, answer.Header.Get("Vary"), test.status, test.want)
		}
	}
	answer := s.preflighted(t, "/", "POST", evil, "")
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 403 || !strings.Contains(string(text), `"__type":"AccessDeniedException"`) {
		t.Errorf("the wire's preflight of another page: got %d %s %v, want 403 as on the wire", answer.StatusCode, text, err)
	}
}

// A call of STS by URL is a caller's where it is signed without a session's token.
func TestSignedURLsAndPages(t *testing.T) {
	s := newTestServer(t)
	s.origins = newOrigins([]string{"*"}, []string{console}, "https://broker.example")
	const call = "/?Action=GetCallerIdentity&Version=2011-06-15"
	for name, test := range map[string]struct {
		url, origin, allowed string
		refused              bool
	}{
		"unsigned":                  {call, evil, "*", false},
		"unsigned, a token":         {call + "&X-Amz-Security-Token=t", evil, "*", false},
		"a session's":               {call + "&X-Amz-Signature=s&X-Amz-Security-Token=t", evil, "*", false},
		"a caller's":                {call + "&X-Amz-Signature=s", evil, "", true},
		"a caller's, an empty one":  {call + "&X-Amz-Signature=", evil, "", true},
		"a caller's, no token":      {call + "&X-Amz-Signature=s&X-Amz-Security-Token=", evil, "", true},
		"a caller's, a named page":  {call + "&X-Amz-Signature=s", console, console, false},
		"a caller's, its own page":  {call + "&X-Amz-Signature=s", "https://broker.example", "", false},
		"a caller's, of no page":    {call + "&X-Amz-Signature=s", "", "", false},
		"a caller's, a hidden page": {call + "&X-Amz-Signature=s", "null", "", true},
	} {
		r := httptest.NewRequest(http.MethodGet, test.url, nil)
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		answer, err := s.app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		refused := strings.Contains(string(text), "Pages of this origin")
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != test.allowed || refused != test.refused {
			t.Errorf("%s: got origin %q, refused %v, %s; want %q, %v", name, got, refused, text, test.allowed, test.refused)
		}
	}
}

// A page without an origin of its own is foreign also where a request names no host.
func TestPagesWithoutOrigin(t *testing.T) {
	s := newTestServer(t)
	for _, origin := range []string{"null", "file://", "https://", "::"} {
		c := s.app.AcquireCtx(&fasthttp.RequestCtx{})
		c.Request().Header.Set("Origin", origin)
		if !s.origins.foreign(c) {
			t.Errorf("%q: got it taken for our own", origin)
		}
		s.app.ReleaseCtx(c)
	}
}
