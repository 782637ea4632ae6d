package main

import (
	"fmt"
	"net/http"
	"testing"
)

// Of twoGuests, an address makes two in a pool, and waits a minute for the next:
// past the deadline of any request here.
const twoGuests = "request_timeout: 5s, guests: {per_minute: 1, burst: 2}"

// guestFrom asks for a new guest behind proxies that say who he is.
func (i *instance) guestFrom(t *testing.T, forwarded string) answer {
	t.Helper()
	return i.rest(t, demoPool, "identities", map[string]any{}, "X-Forwarded-For", forwarded)
}

// New guests are limited by address and pool; nobody else is.
func TestGuestsAreLimited(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {"+twoGuests+"}\n")
	guest, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := b.rest(t, demoPool, "credentials", map[string]any{}); a.status != 200 {
		t.Fatalf("the second guest: got %d, want 200", a.status)
	}
	_, err = b.getID(t.Context(), demoPool, nil)
	throttled(t, "the third by the wire", err)
	throttledOnREST(t, "the third in one call", b.rest(t, demoPool, "credentials", map[string]any{}))
	throttledOnREST(t, "the third by REST", b.rest(t, demoPool, "identities", map[string]any{}))
	if _, err := b.getID(t.Context(), bareRoles, nil); err != nil {
		t.Errorf("a guest of another pool: got %v", err)
	}
	for range 5 {
		if _, err := b.getCredentials(t.Context(), guest, nil); err != nil {
			t.Errorf("a guest who has his id: got %v", err)
		}
		user := b.login(t, t.Name())
		if _, err := b.getID(t.Context(), demoPool, user); err != nil {
			t.Errorf("a user: got %v", err)
		}
		if a := b.rest(t, demoPool, "credentials", map[string]any{"logins": user}); a.status != 200 {
			t.Errorf("a user in one call: got %d", a.status)
		}
	}
}

// Who can be served before the deadline waits.
func TestGuestsWaitTheirTurn(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {guests: {per_minute: 600, burst: 1}}\n")
	eachAtOnce(t, []question{
		b.onWire("1", "GetId", map[string]any{"IdentityPoolId": demoPool}),
		b.onWire("2", "GetId", map[string]any{"IdentityPoolId": demoPool}),
		b.onREST("3", "credentials", map[string]any{}),
	}, func(q question) error {
		r, err := q.ask(t.Context())
		if err == nil && r.status != http.StatusOK {
			err = fmt.Errorf("got %+v, want 200 after a wait", r)
		}
		return err
	})
}

// X-Forwarded-For tells addresses apart only where a trusted proxy wrote it.
func TestGuestsBehindProxies(t *testing.T) {
	t.Parallel()
	const one, two = "192.0.2.1", "192.0.2.2"
	t.Run("trusted", func(t *testing.T) {
		b := startBroker(t, nil, "limits: {trusted_proxies: [127.0.0.1, 10.0.0.0/8], "+twoGuests+"}\n")
		for _, forwarded := range []string{one, "198.51.100.7, " + one} {
			if a := b.guestFrom(t, forwarded); a.status != 200 {
				t.Fatalf("%s: got %d, want 200", forwarded, a.status)
			}
		}
		for _, forwarded := range []string{one, "198.51.100.8, " + one, one + ", 10.1.2.3", one + ":4711"} {
			throttledOnREST(t, forwarded, b.guestFrom(t, forwarded))
		}
		if a := b.guestFrom(t, one+", "+two); a.status != 200 {
			t.Errorf("another address: got %d, want 200", a.status)
		}
		for n, forwarded := range []string{"2001:db8::1", "2001:db8::ffff", "2001:db8:0:0:1::2"} {
			if a := b.guestFrom(t, forwarded); (a.status == 200) != (n < 2) {
				t.Errorf("%s, of one subscriber: got %d", forwarded, a.status)
			}
		}
	})
	t.Run("not trusted", func(t *testing.T) {
		b := startBroker(t, nil, "limits: {trusted_proxies: [10.0.0.0/8], "+twoGuests+"}\n")
		for _, forwarded := range []string{one, two} {
			if a := b.guestFrom(t, forwarded); a.status != 200 {
				t.Fatalf("%s: got %d, want 200", forwarded, a.status)
			}
		}
		throttledOnREST(t, "a third address", b.guestFrom(t, "192.0.2.3"))
	})
}

// In aws mode guests are held back before they cost upstream's quota.
func TestGuestsAreLimitedBeforeUpstream(t *testing.T) {
	t.Parallel()
	engine := startBroker(t, nil, "")
	front := startUpstream(t, engine, engine.url, "limits: {"+twoGuests+"}\n")
	for range 2 {
		if _, err := front.getID(t.Context(), demoPool, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, err := front.getID(t.Context(), demoPool, nil)
	throttled(t, "the third guest", err)
	if _, err := engine.getID(t.Context(), demoPool, nil); err != nil {
		t.Errorf("the engine's own: got %v", err)
	}
}
