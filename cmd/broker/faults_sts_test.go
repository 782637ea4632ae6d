package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// onlySTS lets a fault have STS's requests alone.
func onlySTS(f fault) fault {
	return func(p *faultProxy, w http.ResponseWriter, r *http.Request, ended <-chan struct{}) {
		if r.Header.Get("X-Amz-Target") != "" {
			p.behind.ServeHTTP(w, r)
			return
		}
		f(p, w, r, ended)
	}
}

// stsFaults are those that STS has of its own.
var stsFaults = map[string]struct {
	fault fault
	busy  bool
}{
	"reset":             {reset, false},
	"hanging":           {hanging, false},
	"half an answer":    {cutOff, false},
	"a page with 200":   {answers(200, "text/html", page), false},
	"500":               {answers(500, "text/plain", ""), false},
	"403 of a gateway":  {answers(403, "text/html", page), false},
	"throttled":         {throttles, true},
	"429 of a gateway":  {answers(429, "text/html", page), true},
	"its provider away": {answers(400, "text/xml", `<ErrorResponse><Error><Type>Sender</Type><Code>IDPCommunicationError</Code><Message>x</Message></Error></ErrorResponse>`), false},
}

// While STS alone fails, the enhanced flow goes on, and the classic one passes.
func TestFaultsOfSTS(t *testing.T) {
	t.Parallel()
	engine := startBroker(t, nil, "")
	proxy := startProxy(t, engine.url)
	front := startUpstream(t, engine, proxy.url, "limits: {request_timeout: 2s}\n")
	front.behind = engine
	warm := warmed(t, front)
	for name, f := range stsFaults {
		t.Run(name, func(t *testing.T) {
			cold := strangers(t, front, name)
			proxy.begin(onlySTS(f.fault))
			for _, q := range warm(t) {
				if r, err := q.settled(t.Context()); err != nil || r.status != http.StatusOK || r.cache != "hit" {
					t.Errorf("warmed, %s: got %+v %v, want a hit", q.name, r, err)
				}
			}
			eachAtOnce(t, cold, func(q question) error {
				if q.name == "STS" || q.name == "REST classic" {
					r, err := q.ask(t.Context())
					if err == nil {
						err = ofSTS(q, r, f.busy)
					}
					return err
				}
				r, err := q.settled(t.Context())
				if err == nil && r.status != http.StatusOK {
					err = fmt.Errorf("got %+v, want 200: STS has no part in it", r)
				}
				return err
			})
			proxy.end(t)
			eachAtOnce(t, cold, func(q question) error { return recovered(t.Context(), q) })
		})
	}
}

// An engine before a real STS never takes a fault of that for one of the pool's
// roles.
func TestFaultsOfSTSBehindTheEngine(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	defer nobody.Close()
	proxy := startProxy(t, nobody.URL)
	b := startBroker(t, nil, "limits: {request_timeout: 2s}\nsts: {backend: aws, endpoint: '"+proxy.url+"'}\n")
	for name, f := range stsFaults {
		t.Run(name, func(t *testing.T) {
			proxy.begin(f.fault)
			defer proxy.end(t)
			user := b.login(t, name)
			id := settled(t, func() (string, error) { return b.getID(t.Context(), demoPool, user) })
			eachAtOnce(t, []question{
				b.onWire("enhanced", "GetCredentialsForIdentity", map[string]any{"IdentityId": id, "Logins": user}),
				b.onREST("enhanced", "credentials", map[string]any{"logins": b.login(t, name+" on REST")}),
				b.onREST("classic", "credentials", map[string]any{"logins": b.login(t, name+" classic"), "flow": "classic", "roleArn": authRole}),
				b.onREST("developer", "developer/credentials", map[string]any{"userIdentifier": name}, bearer(backendAPIKey)...),
			}, func(q question) error {
				r, err := q.ask(t.Context())
				if err == nil {
					err = ofSTS(q, r, f.busy)
				}
				return err
			})
		})
	}
}

// ofSTS holds an answer that leans on STS against the contract. Of a throttle the
// asker may hear as of a deadline: the SDK gives up in the middle of a wait.
func ofSTS(q question, r reply, busy bool) error {
	if busy && passing(q, r, true) == nil {
		return nil
	}
	return passing(q, r, false)
}
