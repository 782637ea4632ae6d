package main

import (
	"fmt"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// In front of Cognito no hit goes to a user of whom his user pool says that he is gone, or says nothing: the call
// goes on to Cognito. Each of two brokers that share a cache asks for itself, within a minute at most, so that the
// second one has everything to ask.
func TestRemovedUsersInFrontOfCognito(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	redis := redisYAML(redistest.Single(t).Addr(), base64Key(), base64Key())
	provider := fmt.Sprintf("  - {provider: %s, kind: user_pool, issuer: '%s', endpoint: '%s', jwks_uri: '%s/keys', admin_get_user: true}\n",
		someUserPool, b.idp.URL, b.pool.URL, b.idp.URL)
	front := func() *kindsBroker {
		f := &kindsBroker{instance: startUpstream(t, b.instance, b.url, redis), idp: b.idp}
		f.behind = b.instance
		f.edit(t, "login_providers:\n", "login_providers:\n"+provider)
		f.restart(t)
		return f
	}
	first, second := front(), front()
	grant := func(f *kindsBroker, token string) (status int, cache string) {
		t.Helper()
		a := f.grant(t, someUserPool, token)
		return a.status, a.header.Get("X-Cache")
	}
	tokens := map[string]string{}
	for _, user := range []string{"alice", "bob", "carol"} {
		tokens[user] = b.jwt(user, "app", nil) // a client for which the pool behind does not ask
		b.says.Store(userIs(user))
		if status, _ := grant(first, tokens[user]); status != 200 {
			t.Fatalf("%s: got %d", user, status)
		}
		if status, cache := grant(first, tokens[user]); status != 200 || cache != "hit" {
			t.Errorf("%s, there: got %d, X-Cache %q", user, status, cache)
		}
	}
	if n := b.asked.Load(); n != 3 {
		t.Errorf("the user pool was asked %d times, want once for each", n)
	}
	for _, user := range []string{"alice", "bob", "carol"} {
		said := map[string]string{
			"alice": userIs("alice"), "bob": `{"__type":"UserNotFoundException"}`, "carol": `{"__type":"TooManyRequestsException"}`,
		}[user]
		b.says.Store(said)
		_, first := grant(second, tokens[user])
		status, again := grant(second, tokens[user])
		if status != 200 || (first == "hit" || again == "hit") != (user == "alice") {
			t.Errorf("%s: got %d, X-Cache %q, then %q; want a hit for alice alone", user, status, first, again)
		}
	}
}
