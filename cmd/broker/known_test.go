package main

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
)

// counter passes requests on and counts them by operation.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) pass(p *faultProxy, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	c.n[operation]++
	c.mu.Unlock()
	p.behind.ServeHTTP(w, r)
}

// of is how often an operation reached upstream, or all did.
func (c *counter) of(operation string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, count := range c.n {
		if operation == "" || name == operation {
			n += count
		}
	}
	return n
}

// crew is two brokers that share a Redis, before one on the engine that counts what
// it is asked.
type crew struct {
	engine, a, b *instance
	upstream     *counter
	redis        *redistest.Server // of startCrew
	idp          *idptest.Issuer
}

// startCrew begins a crew; pools goes into the engine's list of pools, extra into the
// configuration of both brokers.
func startCrew(t *testing.T, pools, extra string) *crew {
	t.Helper()
	redis := redistest.Single(t)
	c := startCrewOn(t, pools, extra+redisYAML(redis.Addr(), base64Key(), base64Key()))
	c.redis = redis
	return c
}

// startCrewOn is startCrew for brokers whose Redis extra names.
func startCrewOn(t *testing.T, pools, extra string) *crew {
	t.Helper()
	c := &crew{idp: idptest.Start(t), upstream: &counter{n: map[string]int{}}}
	c.engine = startBroker(t, []string{c.idp.URL}, pools)
	proxy := startProxy(t, c.engine.url)
	proxy.begin(c.upstream.pass)
	for _, b := range []**instance{&c.a, &c.b} {
		*b = startUpstream(t, c.engine, proxy.url, extra, c.idp.URL)
		(*b).behind = c.engine
	}
	return c
}

// restart ends a broker and starts it again, with an empty memory.
func (i *instance) restart(t *testing.T) {
	t.Helper()
	i.process.Process.Kill()
	<-i.exited
	i.start(t)
}

// wantAsked compares how often upstream was asked.
func (c *crew) wantAsked(t *testing.T, when, operation string, want int) {
	t.Helper()
	if got := c.upstream.of(operation); got != want {
		t.Errorf("%s: upstream was asked %d times for %s, want %d", when, got, operation, want)
	}
}

// second is a login of the second provider.
func (c *crew) second(user string) map[string]string {
	return map[string]string{c.idp.Name(): c.idp.Token(idptest.Claims{"sub": user})}
}

// whoIs asks for the identity of logins.
func whoIs(t *testing.T, i *instance, logins map[string]string) string {
	t.Helper()
	id, err := i.getID(t.Context(), demoPool, logins)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The identity of a login is asked for once by all brokers, and again when it is
// unlinked through one of them.
func TestLoginsAreKnownToAll(t *testing.T) {
	t.Parallel()
	c := startCrew(t, "", "")
	alice := c.a.login(t, "alice")
	id := whoIs(t, c.a, alice)
	for _, i := range []*instance{c.b, c.a} {
		if got := whoIs(t, i, alice); got != id {
			t.Error("got another identity, want the same from all")
		}
		a := i.rest(t, demoPool, "credentials", map[string]any{"logins": i.login(t, "alice")})
		if a.status != 200 || a.tree["identityId"] != id {
			t.Errorf("one call: got %d, and the identity: %v", a.status, a.tree["identityId"] == id)
		}
	}
	c.wantAsked(t, "two brokers", "GetId", 1)
	c.wantAsked(t, "two brokers", "GetCredentialsForIdentity", 1)
	c.a.restart(t)
	if got := whoIs(t, c.a, alice); got != id {
		t.Error("after a restart: got another identity, want the same")
	}
	c.wantAsked(t, "after a restart", "GetId", 1)
	if a := c.b.rest(t, demoPool, "logins/unlink", map[string]any{"identityId": id, "logins": alice, "loginsToRemove": []string{c.engine.provider()}}); a.status != 204 {
		t.Fatalf("unlink: got %d", a.status)
	}
	if got := whoIs(t, c.a, alice); got == id {
		t.Error("after he was unlinked through another broker: got his old identity")
	}
	c.wantAsked(t, "after he was unlinked", "GetId", 2)
}

// A merge through one broker ends what another has of an identity that only it met
// the owner of.
func TestMergesEndWhatOthersMet(t *testing.T) {
	t.Parallel()
	c := startCrew(t, "", "")
	ctx := t.Context()
	first, second := c.a.login(t, "alice"), c.second("alice")
	id := whoIs(t, c.a, first)
	old, err := c.a.getCredentials(ctx, id, first)
	if err != nil {
		t.Fatal(err)
	}
	both := maps.Clone(first)
	maps.Copy(both, second)
	merged, err := c.b.getCredentials(ctx, whoIs(t, c.engine, second), both)
	if err != nil {
		t.Fatal(err)
	}
	if got := whoIs(t, c.a, first); got != *merged.IdentityId {
		t.Error("after the merge: got another identity of the first login than the survivor")
	}
	if got, err := c.a.getCredentials(ctx, id, first); err == nil && *got.Credentials.AccessKeyId == *old.Credentials.AccessKeyId {
		t.Error("after the merge: got the first login's credentials of before")
	}
}

// Where the fleet cannot say whose logins are, they are not merged.
func TestMergesNeedTheFleet(t *testing.T) {
	t.Parallel()
	c := startCrew(t, "", "limits: {request_timeout: 3s}\n")
	first, second := c.a.login(t, "alice"), c.second("alice")
	one, two := whoIs(t, c.a, first), whoIs(t, c.a, second)
	whoIs(t, c.b, first)
	c.redis.Kill()
	both := maps.Clone(first)
	maps.Copy(both, second)
	asked := c.upstream.of("")
	if _, err := c.b.getCredentials(t.Context(), one, both); err == nil {
		t.Error("got credentials, want a fault")
	}
	c.wantAsked(t, "without Redis", "", asked)
	if whoIs(t, c.engine, first) != one || whoIs(t, c.engine, second) != two {
		t.Error("got the logins merged, want them as they were")
	}
	if _, err := c.b.getCredentials(t.Context(), one, first); err != nil {
		t.Errorf("one login without Redis: got %v, want credentials", err)
	}
}

// guestPool has guests and no classic flow: nobody there can be placed by a token.
const guestPool = "us-east-1:00000000-0000-4000-8000-00000000000f"

// A guest is found again by any broker, also one that has just started.
func TestGuestsAreFoundAgain(t *testing.T) {
	t.Parallel()
	c := startCrew(t, "  - {id: '"+guestPool+"', name: guests, allow_unauthenticated_identities: true, allow_classic_flow: false, "+
		"roles: {authenticated: '"+authRole+"', unauthenticated: '"+unauthRole+"'}}\n", "pools: [{id: '"+guestPool+"'}]\n")
	ctx := t.Context()
	id, err := c.a.getID(ctx, guestPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, i := range map[string]*instance{"another broker": c.b, "the same": c.a} {
		i.restart(t)
		if _, err := i.getCredentials(ctx, id, nil); err != nil {
			t.Errorf("%s after a restart: got %v, want credentials", what, err)
		}
	}
	c.wantAsked(t, "two restarts", "GetCredentialsForIdentity", 1)
	c.wantAsked(t, "two restarts", "GetOpenIdToken", 0)
	if _, err := c.b.getCredentials(ctx, strings.Replace(id, ":", ":0", 1)[:len(id)], nil); err == nil {
		t.Error("an identity that nobody met: got credentials")
	}
}

// New guests of one address are counted over all brokers; without Redis each broker
// counts by itself.
func TestGuestsAreCountedOverBrokers(t *testing.T) {
	t.Parallel()
	c := startCrew(t, "", "limits: {"+twoGuests+"}\n")
	for _, i := range []*instance{c.a, c.b} {
		if _, err := i.getID(t.Context(), demoPool, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []*instance{c.a, c.b} {
		_, err := i.getID(t.Context(), demoPool, nil)
		throttled(t, "the third by the wire", err)
		throttledOnREST(t, "the third in one call", i.rest(t, demoPool, "credentials", map[string]any{}))
	}
	if _, err := c.a.getID(t.Context(), bareRoles, nil); err != nil {
		t.Errorf("a guest of another pool: got %v", err)
	}
	c.wantAsked(t, "five guests", "GetId", 3)
	c.redis.Kill()
	for range 2 {
		if _, err := c.a.getID(t.Context(), demoPool, nil); err != nil {
			t.Errorf("without Redis: got %v, want the broker's own burst", err)
		}
	}
	_, err := c.a.getID(t.Context(), demoPool, nil)
	throttled(t, "the third without Redis", err)
}
