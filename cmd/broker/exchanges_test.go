package main

import (
	"fmt"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// twoExchanges lets each have two exchanges, and the next a minute later.
const twoExchanges = "limits: {exchanges: {per_minute: 1, burst: 2}}\n"

// sessionOf asks for a session of the classic flow under a name.
func sessionOf(t *testing.T, i *instance, body map[string]any, n int) answer {
	t.Helper()
	body["flow"], body["roleArn"], body["roleSessionName"] = "classic", unauthRole, fmt.Sprint("session-", n)
	return i.rest(t, demoPool, "credentials", body)
}

// A guest who asks for ever new sessions is told to come later, by REST with
// Retry-After; what he has is still a hit, and nobody else is held back.
func TestExchangesAreLimited(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(t *testing.T) string{
		"alone": func(*testing.T) string { return "" },
		"fleet": func(t *testing.T) string { return redisYAML(redistest.Single(t).Addr(), base64Key(), base64Key()) },
	} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t, nil, twoExchanges+redis(t))
			guest, err := b.getID(t.Context(), demoPool, nil)
			if err != nil {
				t.Fatal(err)
			}
			ask := func(n int) answer { return sessionOf(t, b, map[string]any{"identityId": guest}, n) }
			for n := range 2 {
				if a := ask(n); a.status != 200 {
					t.Fatalf("session %d: got %d %s, want 200", n, a.status, a.tree)
				}
			}
			for n := range 3 {
				throttledOnREST(t, "another session", ask(2+n))
			}
			_, err = b.getCredentials(t.Context(), guest, nil)
			throttled(t, "by the wire", err)
			if a := ask(0); a.status != 200 || a.header.Get("X-Cache") != "hit" {
				t.Errorf("what the guest has: got %d %s, want a hit", a.status, a.header.Get("X-Cache"))
			}
			other, err := b.getID(t.Context(), demoPool, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.getCredentials(t.Context(), other, nil); err != nil {
				t.Errorf("another guest: got %v, want credentials", err)
			}
		})
	}
}
