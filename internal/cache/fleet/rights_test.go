package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
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
	files, err := filepath.Glob("*/*.go")
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

// The documented rights are those that are tried, and no others.
func TestRightsAreDocumented(t *testing.T) {
	want := append(redisconn.Rights(), "resetchannels", "-@all")
	got := rights(t)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the line \"user broker on …\" of docs/operations.md:\n got %s\nwant %s", got, want)
	}
}

// without are the documented rights but one.
func without(t *testing.T, rule string) []string {
	t.Helper()
	return slices.DeleteFunc(rights(t), func(r string) bool { return r == rule })
}

const lacking = "does not let the broker's user do what it must: it lacks "

// Each right that lacks is named, whether or not something needed it yet, and when it is
// given all is well.
func TestMissingRightsAreNamed(t *testing.T) {
	t.Parallel() // it waits
	s := redistest.Single(t, redistest.User("all", "password"))
	for _, rule := range redisconn.Rights() {
		if slices.Contains([]string{"+cluster|slots", "+command", "+asking"}, rule) {
			continue // of clusters
		}
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b, user := lacks(t, s, rule)
			b.troubled(t, lacking+rule)
			grant(t, s, user, rule)
			b.healthy(t)
		})
	}
}

// lacks starts a broker whose user has all rights but one.
func lacks(t *testing.T, s *redistest.Server, rule string, also ...*redistest.Server) (b *broker, user string) {
	t.Helper()
	user = fmt.Sprintf("without-%x", rule)
	addresses := []string{}
	for _, one := range append([]*redistest.Server{s}, also...) {
		if err := one.Client().ACLSetUser(t.Context(), user, append([]string{"on", ">password"}, without(t, rule)...)...).Err(); err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, one.Addr())
	}
	where := server(addresses...)
	where.Username, where.Password = user, "password"
	where.ReadTimeout, where.DialTimeout = 10*time.Second, 10*time.Second // on a busy machine
	return join(t, where, newKeys()), user
}

// grant gives a user a right.
func grant(t *testing.T, s *redistest.Server, user, rule string) {
	t.Helper()
	if err := s.Client().ACLSetUser(t.Context(), user, rule).Err(); err != nil {
		t.Fatal(err)
	}
}

// Of a cluster too, where it needs more.
func TestMissingRightsOfClustersAreNamed(t *testing.T) {
	t.Parallel() // it waits
	c := redistest.Cluster(t, redistest.User("all", "password"))
	nodes := c.Nodes()
	for _, rule := range []string{"+cluster|slots", "+command", "+asking", "+hget", "~b2:*", "&b2:*"} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b, user := lacks(t, nodes[0], rule, nodes[1:]...)
			b.troubled(t, lacking+rule)
			for _, n := range nodes {
				grant(t, n, user, rule)
			}
			b.healthy(t)
		})
	}
}

// A right that is taken away is named when something that needs it fails, within a
// script too, and when a connection is made anew; the log has it once.
func TestRightsThatAreTakenAway(t *testing.T) {
	t.Parallel() // it waits
	for name, c := range map[string]struct {
		right  string
		notice func(t *testing.T, s *redistest.Server, b *broker, user string)
	}{
		"a script fails": {"hset", func(t *testing.T, _ *redistest.Server, b *broker, _ string) {
			if _, err := b.AddOwner(t.Context(), cache.LoginScope("idp", "user"), "p", "x"); !errors.Is(err, cache.ErrFleet) {
				t.Errorf("a script without its right: got %v, want it not available", err)
			}
		}},
		// Nothing needs that one meanwhile.
		"reconnected": {"hexists", func(t *testing.T, s *redistest.Server, _ *broker, user string) {
			if err := s.Client().Do(t.Context(), "client", "kill", "user", user).Err(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const user = "broker"
			s := redistest.Single(t, redistest.User(user, "password", rights(t)...))
			core, lines := observer.New(zap.InfoLevel)
			where := server(s.Addr())
			where.Username, where.Password = user, "password"
			where.ReadTimeout = 10 * time.Second // on a busy machine
			b := joinWith(t, newKeys(), fleet.Config{Server: where, Observer: silent{}, Log: zap.New(core)}).leased(t).healthy(t)
			grant(t, s, user, "-"+c.right)
			c.notice(t, s, b, user)
			b.troubled(t, lacking+"+"+c.right)
			redistest.Until(t, "the log has it", func() bool { return lines.FilterField(zap.String("reason", lacking+"+"+c.right)).Len() > 0 })
			for range 20 {
				_, _ = b.AddOwner(t.Context(), cache.LoginScope("idp", "user"), "p", "x")
			}
			grant(t, s, user, "+"+c.right)
			b.healthy(t)
			redistest.Until(t, "the log has the end", func() bool { return lines.FilterMessage("redis is well again").Len() > 0 })
			if got := lines.FilterField(zap.String("reason", lacking+"+"+c.right)).Len(); got != 1 {
				t.Errorf("got %d lines of the right that lacks, want one", got)
			}
		})
	}
}

// A user with the documented rights is refused nothing that brokers do.
func TestRights(t *testing.T) {
	t.Parallel()
	const name, password = "broker", "open sesame"
	user := redistest.User(name, password, rights(t)...)
	for shape, start := range map[string]func(*testing.T) (fleet.Server, []*redistest.Server){
		"single": func(t *testing.T) (fleet.Server, []*redistest.Server) {
			s := redistest.Single(t, user)
			return server(s.Addr()), []*redistest.Server{s}
		},
		"cluster": func(t *testing.T) (fleet.Server, []*redistest.Server) {
			c := redistest.Cluster(t, user)
			return server(c.Addrs()...), c.Nodes()
		},
	} {
		t.Run(shape, func(t *testing.T) {
			where, servers := start(t)
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
	if !lead.Release(refused) {
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
	if err := a.Store(ctx, keyOf("x"), e); err != nil {
		t.Fatal(err)
	}
	if entry, _, err := b.find(ctx, "x"); entry == nil || err != nil {
		t.Errorf("an entry: got none, and %v, want the one that was kept", err)
	}
	if _, err := a.ReportUsage(ctx, []cache.UsageReport{once("x", e, now)}); err != nil {
		t.Fatal(err)
	}
	claims, err := b.ClaimRenewals(ctx, 10, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims.Claimed {
		if err := b.SettleRenewal(ctx, c, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.StampQuiet(ctx, a.epochs.Read(cache.IdentityScope("y")), time.Second); err != nil {
		t.Fatal(err)
	}
	login := cache.LoginScope("idp", "user")
	if _, err := a.AddOwner(ctx, login, "p", "x"); err != nil {
		t.Fatal(err)
	}
	if owners, err := b.Owners(ctx, login); err != nil || len(owners[0]) != 1 {
		t.Errorf("got owners %v (%v), want one", owners, err)
	}
	if _, err := a.Reserve(ctx, fleet.Rate{Every: time.Second, Burst: 1}, 0, "guests"); err != nil {
		t.Fatal(err)
	}
	learns(t, a.Identities(), b.Identities())
	a.change(t, cache.IdentityScope("x"))
	if err := b.Drop(ctx, keyOf("x"), cache.IdentityScope("x")); err != nil {
		t.Fatal(err)
	}
}

// learns has one broker learn where identities belong, and another find it.
func learns(t *testing.T, writer, reader *fleet.Identities) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); writer.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	writer.Forget("z")
	writer.Learn("y", fleet.IdentityFacts{Pool: "pool", Authenticated: true})
	writer.Learn("x", fleet.IdentityFacts{Pool: "pool"})
	redistest.Until(t, "a place is found", func() bool {
		_, ok, err := reader.Find(ctx, "x")
		return ok && err == nil
	})
}
