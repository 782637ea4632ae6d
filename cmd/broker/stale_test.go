package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// shortLived does what was asked, and has the credentials expire so soon.
func shortLived(life time.Duration) fault {
	return altered(func(credentials map[string]any) { credentials["Expiration"] = time.Now().Add(life).Unix() })
}

// altered does what was asked, and alters the credentials that it brings.
func altered(alter func(credentials map[string]any)) fault {
	return func(p *faultProxy, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		recorded := httptest.NewRecorder()
		p.behind.ServeHTTP(recorded, r)
		var out map[string]any
		if json.Unmarshal(recorded.Body.Bytes(), &out) != nil {
			panic(http.ErrAbortHandler)
		}
		if credentials, ok := out["Credentials"].(map[string]any); ok {
			alter(credentials)
		}
		body, err := json.Marshal(out)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(recorded.Code)
		w.Write(body)
	}
}

// While upstream is away, who asks for more life than is left is handed what there
// is, as stale, rather than an error.
func TestLessThanTheFloorIsServedInAnOutage(t *testing.T) {
	t.Parallel() // it waits for a life to pass
	const life = 20 * time.Second
	engine := startBroker(t, nil, "")
	proxy := startProxy(t, engine.url)
	front := startUpstream(t, engine, proxy.url, "limits: {request_timeout: 2s}\n")
	front.behind = engine
	user := front.login(t, "stale")
	id, err := front.getID(t.Context(), demoPool, user)
	if err != nil {
		t.Fatal(err)
	}
	proxy.begin(shortLived(life))
	q := front.onREST("enhanced", "credentials", map[string]any{"identityId": id, "logins": user, "minRemaining": "12h"}) // counts as nine tenths
	if r, err := q.ask(t.Context()); err != nil || r.cache != "miss" {
		t.Fatalf("first: got %+v %v, want a miss", r, err)
	}
	proxy.begin(reset)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	hits := 0
	for {
		r, err := q.ask(t.Context())
		if err != nil || r.status != http.StatusOK {
			t.Fatalf("after %d hits: got %+v %v, want a hit or what is left", hits, r, err)
		}
		if r.cache == "stale" {
			break
		}
		if hits++; hits > 200 {
			t.Fatal("got hits for the whole life, want stale ones below the floor")
		}
		<-tick.C
	}
	proxy.end(t)
}
