package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// refusalsOf are calls that a stranger makes for an identity: unsigned ones by wire and
// REST, and those of a developer, who names another's pool or user.
func refusalsOf(b *instance, idp, id string, mallory map[string]string) map[string]func(t *testing.T) answer {
	junk := map[string]string{idp: "x.y.z"}
	two := maps.Clone(mallory)
	two["www.example.com"] = "opaque"
	calls := map[string]func(t *testing.T) answer{}
	for name, logins := range map[string]map[string]string{"no logins": {}, "junk": junk, "a foreign login": mallory, "two logins": two} {
		wire := func(operation string) func(t *testing.T) answer {
			in := map[string]any{"IdentityId": id, "Logins": logins}
			if operation == "UnlinkIdentity" {
				in["LoginsToRemove"] = []string{idp}
			}
			body, _ := json.Marshal(in)
			return func(t *testing.T) answer { return b.wire(t, operation, string(body)) }
		}
		for _, operation := range []string{"UnlinkIdentity", "GetCredentialsForIdentity", "GetOpenIdToken"} {
			calls[operation+", "+name] = wire(operation)
		}
		if len(logins) == 0 {
			continue
		}
		calls["link, "+name] = func(t *testing.T) answer {
			return b.rest(t, demoPool, "logins/link", map[string]any{"identityId": id, "logins": logins})
		}
		calls["unlink, "+name] = func(t *testing.T) answer {
			return b.rest(t, demoPool, "logins/unlink", map[string]any{"identityId": id, "logins": logins, "loginsToRemove": []string{idp}})
		}
	}
	// Pools that do not exist have ids like identities'.
	calls["a made-up pool by REST"] = func(t *testing.T) answer {
		return b.rest(t, id, "credentials", map[string]any{"logins": mallory})
	}
	calls["a made-up pool by the wire"] = func(t *testing.T) answer {
		in, _ := json.Marshal(map[string]any{"IdentityPoolId": id, "Logins": mallory})
		return b.wire(t, "GetId", string(in))
	}
	calls["a developer's unlink"] = func(t *testing.T) answer {
		return b.rest(t, demoPool, "developer/unlink", map[string]any{"identityId": id, "userIdentifier": "nobody"}, bearer(backendAPIKey)...)
	}
	calls["a developer's merge"] = func(t *testing.T) answer {
		return b.rest(t, demoPool, "developer/merge",
			map[string]any{"sourceUserIdentifier": "nobody", "destinationUserIdentifier": "no one"}, bearer(backendAPIKey)...)
	}
	return calls
}

const refusedUnlimited = "limits: {refused_changes: {per_minute: 0}}\n"

// rivals are brokers that share a Redis, on the engine and in aws mode before it.
func rivals(t *testing.T, limits string) (redis *redistest.Server, brokers map[string]*instance) {
	redis = redistest.Single(t)
	shared := limits + redisYAML(redis.Addr(), base64Key(), base64Key())
	engine := startBroker(t, nil, shared)
	return redis, map[string]*instance{"engine": engine, "front": startUpstream(t, engine, engine.url, shared)}
}

// After a call that is refused, whatever it was, the next answer of whom it was aimed at is
// a hit.
func TestRefusedCallsEndNothing(t *testing.T) {
	t.Parallel()
	_, brokers := rivals(t, refusedUnlimited)
	for name, b := range brokers {
		alice, mallory := brokers["engine"].login(t, "alice"), brokers["engine"].login(t, "mallory")
		ask := func() answer { return b.rest(t, demoPool, "credentials", map[string]any{"logins": alice}) }
		b.rest(t, demoPool, "credentials", map[string]any{"logins": mallory})
		ask()
		first := ask()
		id, _ := first.tree["identityId"].(string)
		key := grantedKey(first)
		for call, make := range refusalsOf(b, brokers["engine"].provider(), id, mallory) {
			if a := make(t); a.status/100 != 4 {
				t.Fatalf("%s, %s: got %d %s, want a refusal", name, call, a.status, a.body)
			}
			if a := ask(); a.header.Get("X-Cache") != "hit" || grantedKey(a) != key {
				t.Errorf("%s, after %s: got %d %s, want a hit with the same key", name, call, a.status, a.header.Get("X-Cache"))
			}
		}
	}
}

// Refused calls for identities that nobody has leave Redis as it was. BROKER_TEST_REFUSED
// says how many are made at each broker.
func TestRefusedCallsLeaveNothing(t *testing.T) {
	t.Parallel()
	want := 400
	if n, err := strconv.Atoi(os.Getenv("BROKER_TEST_REFUSED")); err == nil {
		want = n
	}
	redis, brokers := rivals(t, unlimited)
	keys := func() []string {
		return slices.DeleteFunc(redis.Client().Keys(t.Context(), "*").Val(), func(key string) bool {
			return strings.Contains(key, ":o:") // how a flight failed, for five seconds
		})
	}
	for name, b := range brokers {
		mallory := brokers["engine"].login(t, "mallory")
		nobody := func(n int) string { return fmt.Sprintf("us-east-1:%08x-4444-4444-8444-444444444444", n) }
		for _, make := range refusalsOf(b, brokers["engine"].provider(), nobody(0), mallory) {
			make(t) // what there is once
		}
		before := keys()
		var all sync.WaitGroup
		for at := range 8 {
			all.Go(func() {
				for n := at; n < want; {
					for call, make := range refusalsOf(b, brokers["engine"].provider(), nobody(1+n), mallory) {
						if a := make(t); a.status/100 != 4 || a.status == 429 {
							t.Errorf("%s, %s: got %d %s, want a refusal", name, call, a.status, a.body)
						}
						n += 8
					}
				}
			})
		}
		all.Wait()
		slices.Sort(before)
		after := keys()
		slices.Sort(after)
		if new := slices.DeleteFunc(after, func(k string) bool { _, had := slices.BinarySearch(before, k); return had }); len(new) > 0 {
			t.Errorf("%s: %d calls left %d keys in Redis: %q", name, want, len(new), new[:min(5, len(new))])
		}
	}
}

// Refused calls are limited by the client's address; whoever owns the identity goes on as
// before.
func TestRefusedCallsAreLimited(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {refused_changes: {per_minute: 1, burst: 10}, trusted_proxies: [127.0.0.1/32]}\n")
	alice, mallory := b.login(t, "alice"), b.login(t, "mallory")
	a := b.rest(t, demoPool, "credentials", map[string]any{"logins": alice})
	id, _ := a.tree["identityId"].(string)
	unlink := func(from string, logins map[string]string, id string) answer {
		body := map[string]any{"identityId": id, "logins": logins, "loginsToRemove": []string{b.provider()}}
		return b.rest(t, demoPool, "logins/unlink", body, "X-Forwarded-For", from)
	}
	for n := range 2 {
		if a := unlink(fmt.Sprint("192.0.2.", n), mallory, id); a.status != 403 {
			t.Fatalf("stranger %d: got %d %s, want a refusal", n, a.status, a.body)
		}
	}
	if a := unlink("192.0.2.9", mallory, id); a.status != 403 {
		t.Errorf("a third stranger: got %d %s, want a refusal: the identity's limit holds nobody up", a.status, a.body)
	}
	for n := range 10 {
		if a := unlink("192.0.2.77", mallory, fmt.Sprintf("us-east-1:%08x-4444-4444-8444-444444444444", n)); a.status/100 != 4 || a.status == 429 {
			t.Fatalf("one address, identity %d: got %d %s, want a refusal", n, a.status, a.body)
		}
	}
	throttledOnREST(t, "one address", unlink("192.0.2.77", mallory, "us-east-1:ffffffff-4444-4444-8444-444444444444"))
	if a := unlink("198.51.100.1", alice, id); a.status/100 != 2 {
		t.Errorf("the owner: got %d %s, want it done", a.status, a.body)
	}
}
