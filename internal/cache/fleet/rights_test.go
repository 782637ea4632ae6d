package fleet_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// rights are the rules of Redis's user for brokers, as docs/operations.md gives them.
func rights(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "user broker on "); ok {
			return strings.Fields(rest)[1:] // after the password
		}
	}
	t.Fatal(`docs/operations.md: got no line "user broker on …", want one with the rights that brokers need`)
	return nil
}

// The documented rights allow every command that a script calls.
func TestScriptsHaveTheirRights(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`redis\.call\('([A-Z]+)'`)
	allowed, missing := rights(t), map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, called := range call.FindAllSubmatch(text, -1) {
			if right := "+" + strings.ToLower(string(called[1])); !slices.Contains(allowed, right) {
				missing[right] = file
			}
		}
	}
	for right, file := range missing {
		t.Errorf(`the line "user broker on …" of docs/operations.md: got no %s, want it for a script of %s`, right, file)
	}
}

// A user with the documented rights is refused nothing that brokers do.
func TestRights(t *testing.T) {
	t.Parallel()
	const name, password = "broker", "open sesame"
	user := redistest.User(name, password, rights(t)...)
	for shape, start := range map[string]func() (fleet.Server, []*redistest.Server){
		"single": func() (fleet.Server, []*redistest.Server) {
			s := redistest.Single(t, user)
			return server(s.Addr()), []*redistest.Server{s}
		},
		"cluster": func() (fleet.Server, []*redistest.Server) {
			c := redistest.Cluster(t, user)
			return server(c.Addrs()...), c.Nodes()
		},
	} {
		t.Run(shape, func(t *testing.T) {
			where, servers := start()
			where.Username, where.Password = name, password
			defer func() {
				for _, s := range servers {
					refusals(t, s)
				}
			}()
			k := newKeys()
			a, b := join(t, where, k).leased(t), join(t, where, k).leased(t)
			live(t, a, b)
		})
	}
}

// refusals reports what a server's log says of rights that its user lacked.
func refusals(t *testing.T, s *redistest.Server) {
	t.Helper()
	log, err := s.Client().ACLLog(context.WithoutCancel(t.Context()), 100).Result()
	if err != nil {
		t.Error(err)
	}
	for _, e := range log {
		t.Errorf("got a refusal of the %s %q (%s), want none", e.Reason, e.Object, e.Context)
	}
}

// live has two brokers do all that they do with Redis.
func live(t *testing.T, a, b *broker) {
	t.Helper()
	ctx := t.Context()
	flight := a.flightOf(t, "x")
	lead := a.lead(t, flight)
	leader := b.follow(t, flight)
	if !lead.End(refused) {
		t.Error("a lead: got lost, want held to its end")
	}
	if failure := b.await(t, flight, leader); failure == nil {
		t.Error("a failure: got none, want the one that was left")
	}
	stamp, err := a.Stamp(ctx, a.epochs.Read(cache.IdentityScope("x"), pool))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	e := &cache.Entry{Issued: now, Stamp: stamp, Credentials: cache.Credentials{IdentityID: "x", Expires: now.Add(time.Hour)}}
	if err := a.Keep(ctx, keyOf("x"), e); err != nil {
		t.Fatal(err)
	}
	if entry, _, err := b.look(ctx, "x"); entry == nil || err != nil {
		t.Errorf("an entry: got none, and %v, want the one that was kept", err)
	}
	if _, err := a.Report(ctx, []cache.Report{once("x", e, now)}); err != nil {
		t.Fatal(err)
	}
	claims, err := b.Claim(ctx, 10, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims.Claimed {
		if err := b.Settle(ctx, c, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Settled(ctx, a.epochs.Read(cache.IdentityScope("y")), time.Second); err != nil {
		t.Fatal(err)
	}
	login := cache.LoginScope("idp", "user")
	if _, err := a.Owns(ctx, login, "x"); err != nil {
		t.Fatal(err)
	}
	if owners, err := b.Owners(ctx, login); err != nil || len(owners[0]) != 1 {
		t.Errorf("got owners %v (%v), want one", owners, err)
	}
	if _, err := a.Turn(ctx, fleet.Rate{Every: time.Second, Burst: 1}, 0, "guests"); err != nil {
		t.Fatal(err)
	}
	learns(t, a.Places(), b.Places())
	a.change(t, cache.IdentityScope("x"))
	if err := b.Drop(ctx, keyOf("x"), cache.IdentityScope("x")); err != nil {
		t.Fatal(err)
	}
}

// learns has one broker learn where identities belong, and another find it.
func learns(t *testing.T, writer, reader *fleet.Places) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); writer.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	writer.Forget("z")
	writer.Learn("y", fleet.Place{Pool: "pool", Authenticated: true})
	writer.Learn("x", fleet.Place{Pool: "pool"})
	until(t, "a place is found", func() bool {
		_, ok, err := reader.Find(ctx, "x")
		return ok && err == nil
	})
}
