package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito"
)

// To a caller of some pools an identity is of the path's pool where that is known, and does
// not exist else; that it could not be found out is said as such.
func TestPlaceOfAnIdentity(t *testing.T) {
	const notFound = "ResourceNotFoundException"
	s := newTestServer(t)
	for name, f := range map[string]struct {
		key, pool string
		known     bool
		err       error
		want      string // code; empty: none
	}{
		"its pool":                   {"key-small", testPool, true, nil, ""},
		"another pool's":             {"key-small", testPool + "1", true, nil, notFound},
		"not known":                  {"key-small", testPool, false, nil, notFound},
		"of no pool":                 {"key-small", "", false, nil, notFound},
		"refused":                    {"key-small", testPool, true, cognito.NotAuthorized("no"), notFound},
		"not to be asked":            {"key-small", testPool, true, cognito.TooManyRequests("later"), "TooManyRequestsException"},
		"not to be asked, not known": {"key-small", "", false, cognito.ExternalService("later"), "ExternalServiceException"},
		"a caller of all pools":      {"key-admin", testPool + "1", false, cognito.NotAuthorized("no"), ""},
	} {
		s.PoolOf = func(context.Context, string) (string, bool, error) { return f.pool, f.known, f.err }
		who, _ := s.Callers.ByAPIKey(f.key)
		got := ""
		if err := s.handlers.place(call{ctx: t.Context(), params: params{pool: testPool}, who: who}, "us-east-1:00"); err != nil {
			got = cognito.Public(err).ErrorCode()
		}
		if got != f.want {
			t.Errorf("%s: got %q, want %q", name, got, f.want)
		}
	}
}

// Whichever path names an identity, a caller of some pools meets none there that is not known to be of his.
func TestEveryPathWithAnIdentityIsPlaced(t *testing.T) {
	s := newTestServer(t)
	s.PoolOf = func(context.Context, string) (string, bool, error) { return "", false, nil }
	who := http.Header{"Authorization": {"Bearer key-small"}}
	met := 0
	for _, r := range s.handlers.restRoutes() {
		if !strings.Contains(r.path, ":identity") {
			continue
		}
		met++
		body := "{}"
		if r.bodyless {
			body = ""
		}
		path := strings.NewReplacer(":pool", testPool, ":identity", testPool).Replace(r.path)
		answer, p := s.send(t, r.method, path, body, who)
		checkProblem(t, r.op, answer, p, http.StatusNotFound, "ResourceNotFoundException")
	}
	if met < 3 {
		t.Errorf("got %d routes with an identity in the path, want all", met)
	}
}
