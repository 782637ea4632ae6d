package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// rekey writes other keys of Redis into a broker's configuration and starts it again.
func (i *instance) rekey(t *testing.T, keys ...string) {
	t.Helper()
	text, err := os.ReadFile(i.config)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), " keys: [")
	_, after, ended := strings.Cut(rest, "]")
	if !found || !ended {
		t.Fatal("the configuration has no list of keys")
	}
	if err := os.WriteFile(i.config, []byte(before+" keys: ['"+strings.Join(keys, "', '")+"']"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	i.restart(t)
}

// The keys of Redis are rotated broker by broker, while users come and come back: each
// costs one exchange and one GetId, ever. At the end the old key opens nothing any
// more, and is not needed.
func TestKeysOfRedisRotate(t *testing.T) {
	t.Parallel()
	c := startCrew(t, "", "")
	fresh := base64Key()
	text, err := os.ReadFile(c.a.config)
	if err != nil {
		t.Fatal(err)
	}
	_, old, _ := strings.Cut(string(text), " keys: ['")
	old, _, _ = strings.Cut(old, "'")
	var users []string
	come := func(i *instance, user string) {
		t.Helper()
		if a := i.rest(t, demoPool, "credentials", map[string]any{"logins": i.login(t, user)}); a.status != 200 {
			t.Errorf("%s: got %d, want credentials", user, a.status)
		}
	}
	all := func(when string) {
		t.Helper()
		for _, i := range []*instance{c.a, c.b} {
			users = append(users, fmt.Sprint("user", len(users)))
			come(i, users[len(users)-1])
		}
		for _, user := range users {
			come(c.a, user)
			come(c.b, user)
		}
		c.wantAsked(t, when, "GetId", len(users))
		c.wantAsked(t, when, "GetCredentialsForIdentity", len(users))
	}
	all("with the old key")
	for _, step := range []struct {
		name string
		keys []string
	}{{"the new one added", []string{old, fresh}}, {"the new one first", []string{fresh, old}}} {
		c.a.rekey(t, step.keys...)
		all(step.name + " to one")
		c.b.rekey(t, step.keys...)
		all(step.name + " to both")
	}
	users = users[len(users)-2:] // of the others, what the old key sealed would have ended
	before := c.upstream.of("GetId")
	c.a.rekey(t, fresh)
	c.b.rekey(t, fresh)
	for _, user := range users {
		come(c.a, user)
		come(c.b, user)
	}
	c.wantAsked(t, "the old one dropped", "GetId", before)
	if unopened := string(c.a.send(t, "GET", "/metrics", "").body); !strings.Contains(unopened, "broker_redis_unopened_total 0") {
		t.Error("the old one dropped: got values that did not open, want none")
	}
	come(c.a, "user0")
	c.wantAsked(t, "what the old one sealed", "GetId", before+1)
	if unopened := string(c.a.send(t, "GET", "/metrics", "").body); strings.Contains(unopened, "broker_redis_unopened_total 0") {
		t.Error("what the old one sealed: got no values counted that did not open, want some")
	}
}
