package main

import (
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// On sentinels and on a cluster, brokers find the settings that another of their fleet wrote
// down, also when the server that had them died: what rests on the same is served, and what
// rests on changed ones is not.
func TestChangedConfigurationAfterAFailover(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (redis string, fail func()){
		"sentinels": func(t *testing.T) (string, func()) {
			w := redistest.Sentinels(t)
			return at(w.Addrs()...) + ", sentinel: {master: " + redistest.MasterName + "}", func() { w.KillMaster(); w.Heal() }
		},
		"cluster": func(t *testing.T) (string, func()) {
			c := redistest.Cluster(t)
			return at(c.Addrs()...), func() { c.KillMaster(recordIn(t, c.Dump())); c.Heal() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits
			redis, fail := start(t)
			shared := "cache: {redis: {" + redis + ", keys: ['" + base64Key() + "'], name_key: '" + base64Key() + "'}}\n"
			s := startScene(t, shared, shared)
			s.hits("at first")
			another := startUpstream(t, s.engine, s.engine.url, unlimited+shared, s.idp.URL)
			another.behind = s.engine
			s.want("another broker, alike", another, nil)
			if got := another.toldOfChanges(); got != 0 {
				t.Errorf("another broker, alike: got %d settings told as changed, want none", got)
			}
			before := s.engine.toldOfChanges() + s.front.toldOfChanges() // at their first start
			fail()
			for what, i := range map[string]*instance{"in front": s.front, "the engine's": s.engine} {
				i.awaitFleet(t, what)
				i.restart(t) // what it has in memory outlasts a failover
			}
			s.hits("after a failover")
			if got := s.engine.toldOfChanges() + s.front.toldOfChanges(); got != before || before != 2 {
				t.Errorf("restarted after a failover: got changed settings told %d times, want twice, at first", got)
			}
			const role = "unauthenticated: '" + unauthRole
			s.engine.stop(t)
			s.engine.edit(t, "name: demo, allow_unauthenticated_identities: true, roles: {authenticated: '"+authRole+"', "+role,
				"name: demo, allow_unauthenticated_identities: true, roles: {authenticated: '"+authRole+"', unauthenticated: '"+authRole)
			s.engine.start(t)
			granted := all("miss", "user", "other", "guest", "classic", "backend")
			s.want("changed, at the engine", s.engine, granted) // before the one in front asks it
			s.want("changed, in front", s.front, granted)
		})
	}
}

// hits asks until all are served from the cache, by both brokers.
func (s *scene) hits(when string) {
	s.t.Helper()
	for what, i := range map[string]*instance{"in front": s.front, "at the engine": s.engine} {
		awaitThat(s.t, "a hit for all "+when+", "+what, func() bool {
			for _, got := range s.outcomes(i) {
				if got != "hit" {
					return false
				}
			}
			return true
		})
	}
}

// toldOfChanges is how often a broker found that settings were changed.
func (i *instance) toldOfChanges() int {
	return strings.Count(i.logs.String(), "settings were changed since redis knew them")
}

// recordIn is the name of a record of settings.
func recordIn(t *testing.T, entries []redistest.Entry) string {
	t.Helper()
	for _, e := range entries {
		if strings.Contains(e.Key, ":settings:") {
			return e.Key
		}
	}
	t.Fatal("no record of settings")
	return ""
}
