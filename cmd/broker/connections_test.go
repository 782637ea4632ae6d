package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/redistest"
)

// A fleet works over each way to Redis that the configuration has: what one broker
// obtained another serves, and a change through one ends it for both.
func TestWaysToRedis(t *testing.T) {
	t.Parallel()
	const user, password = "broker", "password-of-tests"
	secured := func(s *redistest.Server, more string) string {
		return "tls: {enabled: true, ca_file: '" + s.CAFile + "'" + more + "}"
	}
	for name, way := range map[string]func(t *testing.T) (addresses []string, more string){
		"TLS": func(t *testing.T) ([]string, string) {
			s := redistest.Single(t, redistest.TLS())
			return []string{s.Addr()}, secured(s, "")
		},
		"TLS on both sides": func(t *testing.T) ([]string, string) {
			s := redistest.Single(t, redistest.MutualTLS())
			return []string{s.Addr()}, secured(s, ", cert_file: '"+s.CertFile+"', key_file: '"+s.KeyFile+"'")
		},
		"password": func(t *testing.T) ([]string, string) {
			return []string{redistest.Single(t, redistest.Password(password)).Addr()}, "password: " + password
		},
		"user and password": func(t *testing.T) ([]string, string) {
			return []string{redistest.Single(t, redistest.User(user, password)).Addr()}, "username: " + user + ", password: " + password
		},
		"sentinels": func(t *testing.T) ([]string, string) {
			return redistest.Sentinels(t, redistest.User(user, password)).Addrs(),
				"sentinel: {master: " + redistest.MasterName + "}, username: " + user + ", password: " + password
		},
		"cluster": func(t *testing.T) ([]string, string) {
			return redistest.Cluster(t, redistest.User(user, password)).Addrs(), "username: " + user + ", password: " + password
		},
	} {
		t.Run(name, func(t *testing.T) {
			addresses, more := way(t)
			c := startCrewOn(t, "", fmt.Sprintf("cache: {redis: {addresses: ['%s'], keys: [%s], name_key: %s, %s}}\n",
				strings.Join(addresses, "', '"), base64Key(), base64Key(), more))
			for what, i := range map[string]*instance{"a": c.a, "b": c.b} {
				i.awaitFleet(t, what)
			}
			c.shares(t)
		})
	}
}

// awaitFleet waits until a broker may serve from its memory.
func (i *instance) awaitFleet(t *testing.T, what string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); i.send(t, "GET", "/readyz", "").tree["status"] != "ok"; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not in the fleet within 20 s", what)
		}
	}
}

// shares has one broker obtain what the other serves, and end it.
func (c *crew) shares(t *testing.T) {
	t.Helper()
	bob := c.a.login(t, "bob")
	id := whoIs(t, c.a, bob)
	old, err := c.a.getCredentials(t.Context(), id, bob)
	if err != nil {
		t.Fatal(err)
	}
	if whoIs(t, c.b, bob) != id {
		t.Error("the other broker: got another identity, want the same")
	}
	key := func() string {
		t.Helper()
		got, err := c.b.getCredentials(t.Context(), id, bob)
		if err != nil {
			t.Fatal(err)
		}
		return *got.Credentials.AccessKeyId
	}
	for range 2 {
		if key() != *old.Credentials.AccessKeyId {
			t.Error("the other broker: got other credentials, want the same")
		}
	}
	c.wantAsked(t, "two brokers", "GetCredentialsForIdentity", 1)
	purge := func() int {
		headers := append(bearer(adminAPIKey), "Content-Type", "application/json")
		return c.a.send(t, "POST", "/v1/pools/"+demoPool+"/identities/"+id+"/purge", "", headers...).status
	}
	status := purge()
	for n := 0; status == 503 && n < 10; n++ { // no replica confirmed it in time
		status = purge()
	}
	if status/100 != 2 {
		t.Fatalf("purge: got %d", status)
	}
	key()
	c.wantAsked(t, "after a purge", "GetCredentialsForIdentity", 2)
}
