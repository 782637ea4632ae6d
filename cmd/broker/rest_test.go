package main

import (
	"net/http"
	"strings"
	"testing"
)

const (
	noPool     = "us-east-1:ffffffff-ffff-4fff-8fff-ffffffffffff"
	noIdentity = "us-east-1:00000000-0000-4000-8000-00000000dead"
)

// restRoute is a route for callers, with a request that names pool.
type restRoute struct {
	method, path, body string // of a request that is well, for POOL
	bad                string // a body, or a query that begins with ?, that is not
	poolless           bool   // names no pool
	other              string // a method that the path does not take; empty: PATCH
}

// as sends the route's request about a pool with an API key.
func (r restRoute) as(t *testing.T, b *instance, pool, apiKey string) answer {
	t.Helper()
	return r.with(t, b, r.method, strings.ReplaceAll(r.path, "POOL", pool), r.body, apiKey)
}

func (r restRoute) with(t *testing.T, b *instance, method, path, body, apiKey string) answer {
	t.Helper()
	var headers []string
	if apiKey != "" {
		headers = bearer(apiKey)
	}
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return b.send(t, method, path, body, headers...)
}

// checkRefusals sends what every route for callers refuses. wrongScope may call
// nothing here; ofDemo may, in demoPool only.
func checkRefusals(t *testing.T, b *instance, r restRoute, wrongScope, ofDemo string) {
	t.Helper()
	refused := func(what string, a answer, status int, code string) {
		t.Helper()
		if a.status != status || a.tree["code"] != code || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d %s", what, a.status, a.body, status, code)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got Cache-Control %q, want no-store", what, a.header.Get("Cache-Control"))
		}
	}
	refused("no caller", r.as(t, b, demoPool, ""), 401, "MissingAuthenticationTokenException")
	refused("unknown key", r.as(t, b, demoPool, "nobody's-api-key"), 401, "UnrecognizedClientException")
	refused("wrong scope", r.as(t, b, demoPool, wrongScope), 403, "AccessDeniedException")
	refused("another's pool", r.as(t, b, closedPool, ofDemo), 403, "AccessDeniedException")
	refused("unknown pool of another", r.as(t, b, noPool, ofDemo), 403, "AccessDeniedException")
	path := strings.ReplaceAll(r.path, "POOL", demoPool)
	if !r.poolless {
		refused("unknown pool", r.as(t, b, noPool, adminAPIKey), 404, "ResourceNotFoundException")
		if a := r.as(t, b, "nonsense", adminAPIKey); a.status != 400 || a.tree["code"] != "ValidationException" {
			t.Errorf("malformed pool: got %d %s, want 400", a.status, a.body)
		}
	}
	if query, ok := strings.CutPrefix(r.bad, "?"); ok {
		bare, _, _ := strings.Cut(path, "?")
		refused("bad query", r.with(t, b, r.method, bare+"?"+query, r.body, adminAPIKey), 400, "SerializationException")
		refused("body without use", r.with(t, b, r.method, path, `{"nonsense":1}`, adminAPIKey), 400, "SerializationException")
	} else {
		refused("unknown member", r.with(t, b, r.method, path, `{"nonsense":1}`, adminAPIKey), 400, "SerializationException")
		refused("no JSON", r.with(t, b, r.method, path, `{`, adminAPIKey), 400, "SerializationException")
		if a := r.with(t, b, r.method, path, r.bad, adminAPIKey); a.status != 400 {
			t.Errorf("bad body: got %d %s, want 400", a.status, a.body)
		}
	}
	other := r.other
	if other == "" {
		other = http.MethodPatch
	}
	a := r.with(t, b, other, path, "", adminAPIKey)
	refused("wrong method", a, 405, "MethodNotAllowed")
	if allow := a.header.Get("Allow"); !strings.Contains(allow, r.method) || strings.Contains(allow, other) {
		t.Errorf("wrong method: got Allow %q, want %s and not %s", allow, r.method, other)
	}
}

func TestRESTDevelopers(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	backend := func(route string, body map[string]any) answer {
		t.Helper()
		return b.rest(t, demoPool, "developer/"+route, body, bearer(backendAPIKey)...)
	}
	ids := map[string]string{}
	for _, user := range []string{"u1", "u2"} {
		a := backend("token", map[string]any{"userIdentifier": user})
		ids[user], _ = a.tree["identityId"].(string)
		if a.status != 200 || ids[user] == "" {
			t.Fatalf("token of %s: got %d %s", user, a.status, a.tree["code"])
		}
	}
	want := func(what string, a answer, status int, body string) {
		t.Helper()
		for user, id := range ids {
			body = strings.ReplaceAll(body, strings.ToUpper(user), id)
		}
		if a.status != status || string(a.body) != body || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s, want %d %s", what, a.status, a.body, status, body)
		}
	}
	want("lookup by user", backend("lookup", map[string]any{"userIdentifier": "u1"}), 200, `{"identityId":"U1","userIdentifiers":["u1"]}`)
	want("lookup of both", backend("lookup", map[string]any{"userIdentifier": "u2", "identityId": ids["u2"]}), 200, `{"identityId":"U2","userIdentifiers":["u2"]}`)
	want("merge", backend("merge", map[string]any{"sourceUserIdentifier": "u1", "destinationUserIdentifier": "u2"}), 200, `{"identityId":"U2"}`)
	first := backend("lookup", map[string]any{"identityId": ids["u2"], "maxResults": 1})
	next, _ := first.tree["nextToken"].(string)
	if first.status != 200 || next == "" {
		t.Fatalf("first page: got %d %s, want a token of the next", first.status, first.body)
	}
	want("second page", backend("lookup", map[string]any{"identityId": ids["u2"], "maxResults": 1, "nextToken": next}), 200, `{"identityId":"U2","userIdentifiers":["u2"]}`)
	want("unlink", backend("unlink", map[string]any{"identityId": ids["u2"], "userIdentifier": "u1"}), 204, "")
	want("lookup of those left", backend("lookup", map[string]any{"identityId": ids["u2"]}), 200, `{"identityId":"U2","userIdentifiers":["u2"]}`)
	if a := backend("lookup", map[string]any{"userIdentifier": "u1"}); a.status != 404 {
		t.Errorf("lookup of an unlinked user: got %d %s, want 404", a.status, a.body)
	}
	if a := backend("unlink", map[string]any{"identityId": noIdentity, "userIdentifier": "u2"}); a.status != 404 {
		t.Errorf("unlink from no identity: got %d %s, want 404", a.status, a.body)
	}
}

func TestRESTDevelopersRefuse(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	for _, r := range []restRoute{
		{path: "token", body: `{"userIdentifier":"u"}`, bad: `{}`},
		{path: "credentials", body: `{"userIdentifier":"u"}`, bad: `{"userIdentifier":""}`},
		{path: "lookup", body: `{"userIdentifier":"u"}`, bad: `{}`},
		{path: "lookup", body: `{"identityId":"` + noIdentity + `"}`, bad: `{"userIdentifier":"u","maxResults":61}`},
		{path: "merge", body: `{"sourceUserIdentifier":"u","destinationUserIdentifier":"v"}`, bad: `{"sourceUserIdentifier":"u"}`},
		{path: "merge", body: `{"sourceUserIdentifier":"u","destinationUserIdentifier":"v"}`,
			bad: `{"sourceUserIdentifier":"u","destinationUserIdentifier":"v","developerProviderName":"login.example"}`},
		{path: "unlink", body: `{"identityId":"` + noIdentity + `","userIdentifier":"u"}`, bad: `{"identityId":[],"userIdentifier":"u"}`},
	} {
		t.Run(r.path, func(t *testing.T) {
			r.method, r.path, r.other = http.MethodPost, "/v1/pools/POOL/developer/"+r.path, http.MethodGet
			checkRefusals(t, b, r, stewardAPIKey, backendAPIKey)
		})
	}
}
