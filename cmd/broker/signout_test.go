package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// An operator tells of a sign-out: what is cached for the login ends, and its older tokens get
// nothing, not even what a newer one has brought since.
func TestRESTInvalidateLogin(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	r := restAdmin{t, startBroker(t, []string{idp.URL}, "")}
	now := time.Now()
	at := func(user string, ago time.Duration) map[string]any {
		token := idp.Token(idptest.Claims{"sub": user, "auth_time": now.Add(-ago).Unix()})
		return map[string]any{"logins": map[string]string{idp.Name(): token}}
	}
	ask := func(what string, body map[string]any, cached string, status int) {
		t.Helper()
		a := r.rest(t, demoPool, "credentials", body)
		if a.status != status || a.header.Get("X-Cache") != cached && status == 200 {
			t.Errorf("%s: got %d, X-Cache %q, want %d, %q", what, a.status, a.header.Get("X-Cache"), status, cached)
		}
		if status != 200 && !strings.Contains(string(a.body), "Invalid login token. The user was signed out.") {
			t.Errorf("%s: got %s", what, a.body)
		}
	}
	old, bob := at("alice", time.Hour), at("bob", time.Hour)
	ask("first", old, "miss", 200)
	ask("again, the same bytes", old, "hit", 200)
	ask("another user", bob, "miss", 200)
	tell, err := json.Marshal(map[string]string{
		"provider": idp.Name(), "subject": "alice", "notBefore": now.Add(-time.Minute).Format(time.RFC3339),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.call(post, "/v1/pools/"+demoPool+"/logins/invalidate", string(tell), 204)
	ask("the same bytes, afterwards", old, "", 403)
	fresh := at("alice", 0)
	ask("signed in again", fresh, "miss", 200)
	ask("signed in again, another token", at("alice", time.Second), "hit", 200)
	ask("an old token, when a new one has brought an answer", at("alice", 2*time.Minute), "", 403)
	ask("the very same, again", old, "", 403)
	ask("another user, afterwards", bob, "hit", 200)

	for _, body := range []string{
		`{}`, `{"provider":"p","subject":"s"}`, `{"provider":"p","subject":"s","notBefore":"yesterday"}`,
		`{"provider":"","subject":"s","notBefore":"2026-01-01T00:00:00Z"}`,
		`{"provider":"nobody.example","subject":"s","notBefore":"2026-01-01T00:00:00Z"}`,
		`{"provider":"` + idp.Name() + `","subject":"s","notBefore":"2999-01-01T00:00:00Z"}`,
	} {
		r.call(post, "/v1/pools/"+demoPool+"/logins/invalidate", body, 400)
	}
	r.call(post, "/v1/pools/"+strings.Replace(demoPool, "0001", "0fff", 1)+"/logins/invalidate", string(tell), 404)
}

// In front of Cognito nobody keeps sign-outs, and the route says so.
func TestRESTInvalidateLoginBeforeCognito(t *testing.T) {
	t.Parallel()
	behind := startBroker(t, nil, "")
	r := restAdmin{t, startUpstream(t, behind, behind.url, "")}
	r.call(post, "/v1/pools/"+demoPool+"/logins/invalidate",
		`{"provider":"p","subject":"s","notBefore":"2026-01-01T00:00:00Z"}`, 501)
}
