package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// grantedKey asks for credentials of a user at a broker, and returns their key and how it
// was come by.
func servedKey(t *testing.T, i *instance, logins map[string]string) (key, cache string) {
	t.Helper()
	a := i.rest(t, demoPool, "credentials", map[string]any{"logins": logins})
	c, _ := a.tree["credentials"].(map[string]any)
	if key, _ = c["accessKeyId"].(string); a.status != 200 || key == "" {
		t.Errorf("got %d %s, want credentials", a.status, a.tree["code"])
	}
	return key, a.header.Get("X-Cache")
}

// numbering is the way to an engine whose every exchange brings another key: it has a
// cache of its own.
func numbering(t *testing.T, engine *instance) string {
	t.Helper()
	var n atomic.Int64
	proxy := startProxy(t, engine.url)
	proxy.begin(altered(func(credentials map[string]any) { credentials["AccessKeyId"] = fmt.Sprintf("ASIA%016d", n.Add(1)) }))
	return proxy.url
}

// Brokers of the old and the new configuration beside each other: nobody is refused, and
// no broker hands out what one of the other configuration brought, whichever starts
// when. The last to be replaced finds what the others brought.
func TestRollingUpdate(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	former, next := "pools: [{id: '"+demoPool+"'}]\n", "pools: [{id: '"+demoPool+"', developer_provider_name: login.example}]\n"
	engine := startBroker(t, nil, "")
	yaml := redisYAML(redis.Addr(), base64Key(), base64Key())
	upstream := numbering(t, engine)
	a, b := startUpstream(t, engine, upstream, former+yaml), startUpstream(t, engine, upstream, former+yaml)
	a.behind, b.behind = engine, engine
	users := make([]map[string]string, 10)
	for n := range users {
		users[n] = engine.login(t, fmt.Sprint("user", n))
	}
	brought := map[string]map[string]bool{former: {}, next: {}} // keys that were handed out under each
	ask := func(i *instance, under, first string) {
		t.Helper()
		for n, logins := range users {
			key, cache := servedKey(t, i, logins)
			if brought[under][key] = true; cache != first {
				t.Errorf("user %d: got a %s, want a %s", n, cache, first)
			}
		}
	}
	// load asks one broker all the time while another is replaced.
	load := func(i *instance, under string, replace func()) {
		t.Helper()
		stop := make(chan struct{})
		var all sync.WaitGroup
		var mu sync.Mutex
		for _, logins := range users[:4] {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					key, _ := servedKey(t, i, logins)
					mu.Lock()
					brought[under][key] = true
					mu.Unlock()
				}
			})
		}
		replace()
		close(stop)
		all.Wait()
	}
	again := func(i *instance, old, now string) func() {
		return func() {
			i.stop(t)
			i.edit(t, old, now)
			i.start(t)
		}
	}
	ask(a, former, "miss")
	ask(b, former, "hit")
	load(a, former, again(b, former, next))
	ask(b, next, "miss")
	ask(b, next, "hit")
	ask(a, former, "hit")
	load(b, next, again(a, former, former)) // it crashed, say
	ask(a, former, "miss")
	ask(b, next, "hit")
	load(b, next, again(a, former, next))
	ask(a, next, "miss") // the other one was of the new configuration first, and goes by what it began
	b.restart(t)
	ask(b, next, "hit")
	for key := range brought[former] {
		if brought[next][key] {
			t.Error("credentials were handed out under both configurations")
		}
	}
	again(a, next, former)()
	ask(a, former, "miss")
}

// A broker that cannot reach Redis at its start serves, without what Redis has, and
// uses it when it is there, as its settings allow.
func TestRedisIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	link := redistest.Proxy(t, redis.Addr())
	former, next := "pools: [{id: '"+demoPool+"'}]\n", "pools: [{id: '"+demoPool+"', developer_provider_name: login.example}]\n"
	engine := startBroker(t, nil, "")
	key, name := base64Key(), base64Key()
	upstream := numbering(t, engine)
	peer := startUpstream(t, engine, upstream, former+redisYAML(redis.Addr(), key, name))
	b := startUpstream(t, engine, upstream, former+redisYAML(link.Addr(), key, name))
	b.behind = engine
	alice := engine.login(t, "alice")
	old, _ := servedKey(t, peer, alice)
	for _, c := range []struct {
		now  string
		same bool
	}{{former, true}, {next, false}} {
		b.stop(t)
		b.edit(t, former, c.now)
		link.Cut()
		b.start(t)
		if got, cache := servedKey(t, b, alice); got == old || cache == "hit" {
			t.Errorf("without Redis: got a %s, and the old: %v", cache, got == old)
		}
		link.Restore()
		// Until it has settled it goes by settings that nobody shares.
		n := 0
		awaitThat(t, "a hit", func() bool {
			n++
			fresh := engine.login(t, fmt.Sprint(c.same, n))
			theirs, _ := servedKey(t, peer, fresh)
			got, cache := servedKey(t, b, fresh)
			if got == theirs && !c.same {
				t.Error("got what was cached under other settings")
			}
			if !c.same {
				_, cache = servedKey(t, b, fresh)
			}
			return cache == "hit" && (got == theirs) == c.same
		})
	}
}

// A broker on the engine that cannot reach Redis at its start serves if nothing of its
// settings was withdrawn; else it waits, for others serve what it has to end.
func TestEngineWaitsForRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	link := redistest.Proxy(t, redis.Addr())
	key, name := base64Key(), base64Key()
	engine := startBroker(t, nil, redisYAML(link.Addr(), key, name))
	front := startUpstream(t, engine, engine.url, redisYAML(redis.Addr(), key, name))
	front.behind = engine
	alice := engine.login(t, "alice")
	servedKey(t, front, alice)
	before, cache := servedKey(t, front, alice)
	if cache != "hit" {
		t.Fatalf("before: got a %s, want a hit", cache)
	}
	engine.stop(t)
	link.Cut()
	engine.start(t) // nothing changed
	engine.stop(t)
	const open = "name: demo, allow_unauthenticated_identities: true"
	engine.edit(t, open, "name: demo")
	engine.launch(t)
	awaitThat(t, "that it waits", func() bool { return strings.Contains(engine.logs.String(), "not serving yet") })
	if r, err := http.Get(engine.url + "/healthz"); err == nil {
		r.Body.Close()
		t.Error("it serves, want it to wait")
	}
	link.Restore()
	engine.await(t)
	if got, cache := servedKey(t, front, alice); got == before || cache != "miss" {
		t.Errorf("in front: got a %s, and what was cached before: %v", cache, got == before)
	}
	engine.stop(t)
	link.Cut()
	engine.edit(t, "name: demo", open)
	engine.launch(t)
	awaitThat(t, "that it waits again", func() bool { return strings.Count(engine.logs.String(), "not serving yet") == 2 })
	engine.stop(t) // whoever waits can be stopped
}

// awaitThat asks again and again for something that comes.
func awaitThat(t *testing.T, what string, came func() bool) {
	t.Helper()
	for range 600 {
		if came() {
			return
		}
		pause(t.Context(), settleEvery/10)
	}
	t.Fatalf("%s did not come", what)
}
