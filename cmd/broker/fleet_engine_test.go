package main

import (
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// The broker with the store may share the Redis and all keys of those in front of
// it: each serves from it, no one waits for the other's flight, and a change through
// either ends what both have.
func TestEngineInTheFleet(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	shared := redisYAML(redis.Addr(), base64Key(), base64Key())
	engine := startBroker(t, nil, shared)
	edge := startUpstream(t, engine, engine.url, shared)
	ctx := t.Context()
	guest, err := edge.getID(ctx, demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(b *instance) string {
		t.Helper()
		a := b.rest(t, demoPool, "credentials", map[string]any{"identityId": guest})
		if a.status != 200 {
			t.Fatalf("credentials of a guest: got %d %s", a.status, a.body)
		}
		return a.header.Get("X-Cache")
	}
	first := ask(edge)
	if again := ask(edge); first != "miss" || again != "hit" {
		t.Errorf("through the edge: got %q and %q, want a miss and a hit", first, again)
	}
	if got := ask(engine); got != "hit" { // the edge's miss was its own miss
		t.Errorf("at the engine: got %q, want a hit", got)
	}
	for name, via := range map[string]*instance{"the edge": edge, "the engine": engine} {
		a := via.send(t, "POST", "/v1/pools/"+demoPool+"/identities/"+guest+"/purge", "", append(bearer(adminAPIKey), "Content-Type", "application/json")...)
		if a.status/100 != 2 {
			t.Fatalf("purge through %s: got %d %s", name, a.status, a.body)
		}
		if got := ask(edge); got != "miss" {
			t.Errorf("at the edge, after a purge through %s: got %q, want a miss", name, got)
		}
	}
}
