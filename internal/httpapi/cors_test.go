package httpapi

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Browsers learn which methods a path takes, and may send what headers they like.
// The wire takes POST alone (reference 1.6).
func TestPreflights(t *testing.T) {
	s := newTestServer(t)
	const pool = "/v1/pools/" + testPool
	for path, want := range map[string]string{
		"/":                                     "POST",
		"/v1/pools":                             "GET,HEAD,POST",
		pool:                                    "GET,HEAD,PUT,DELETE",
		strings.Replace(pool, ":", "%3A", 1):    "GET,HEAD,PUT,DELETE",
		pool + "/credentials":                   "POST",
		pool + "/tags":                          "GET,HEAD,POST,DELETE",
		pool + "/principal-tags/idp.example%2F": "GET,HEAD,PUT",
		pool + "/identities":                    "POST,GET,HEAD",
		pool + "/identities/delete":             "POST",
		pool + "/identities/us-east-1:00":       "GET,HEAD,DELETE",
		"/v1/signing-keys/rotate":               "POST",
	} {
		answer := s.preflighted(t, path)
		h := answer.Header
		if got := h.Get("Access-Control-Allow-Methods"); answer.StatusCode != 200 || got != want {
			t.Errorf("%s: got %d with methods %q, want %q", path, answer.StatusCode, got, want)
		}
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") != "authorization,content-type" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: got %v, want any origin with the headers that it asked for, and no credentials", path, h)
		}
	}
	for _, r := range s.restRoutes() {
		path := strings.NewReplacer(":pool", testPool, ":provider", "idp.example", ":identity", "us-east-1:00").Replace(r.path)
		if got := s.preflighted(t, path).Header.Get("Access-Control-Allow-Methods"); !slices.Contains(strings.Split(got, ","), r.method) {
			t.Errorf("%s %s: got methods %q", r.method, r.path, got)
		}
	}
	if answer := s.preflighted(t, "/v1/nothing"); answer.StatusCode != 404 {
		t.Errorf("no route: got %d, want 404", answer.StatusCode)
	}
}

func (s *Server) preflighted(t *testing.T, path string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodOptions, path, nil)
	r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	answer, err := s.app.Test(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
