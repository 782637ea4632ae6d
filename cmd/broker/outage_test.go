package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/redistest"
)

// Whatever becomes of Redis, apps are served while upstream is well: nothing fails
// but what needs a fence, and that changes nothing. When Redis is back it serves
// again, and upstream is not stormed.
func TestRedisFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, reason string
		begin, end   func(s *redistest.Server)
	}{
		{"killed", "unreachable", (*redistest.Server).Kill, (*redistest.Server).Start},
		{"paused", "unreachable", (*redistest.Server).Pause, (*redistest.Server).Resume},
		{
			"full", "full", func(s *redistest.Server) { s.Config("maxmemory", "1") },
			func(s *redistest.Server) { s.Config("maxmemory", "0") },
		},
		{
			"read-only", "read-only", func(s *redistest.Server) { s.Client().ReplicaOf(context.Background(), "127.0.0.1", "1") },
			func(s *redistest.Server) { s.Client().ReplicaOf(context.Background(), "NO", "ONE") },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // it waits
			s := redistest.Single(t)
			o := newOutage(t, at(s.Addr()))
			traffic := o.load()
			traffic.last(100)
			test.begin(s)
			traffic.last(100)
			o.say(test.reason)
			traffic.last(100)
			o.changesNothing()
			traffic.last(100)
			test.end(s)
			o.say("")
			traffic.last(100)
			traffic.end()
			o.served(1)
		})
	}
}

// A Redis that is emptied, or whose place another takes, is none that fails.
func TestRedisForgets(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (redis string, lose func()){
		"emptied": func(t *testing.T) (string, func()) {
			s := redistest.Single(t)
			// It answers always: what a busy machine delays is waited for, for each command
			// that is given up costs exchanges.
			return patiently(s.Addr()), s.FlushAll
		},
		"sentinels": func(t *testing.T) (string, func()) {
			w := redistest.Sentinels(t)
			return at(w.Addrs()...) + ", sentinel: {master: " + redistest.MasterName + "}", func() { w.KillMaster(); w.Heal() }
		},
		"cluster": func(t *testing.T) (string, func()) {
			c := redistest.Cluster(t)
			return at(c.Addrs()...), func() {
				for _, m := range c.Masters() { // one after the other
					m.Kill()
					c.Heal()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits
			redis, lose := start(t)
			o := newOutage(t, redis)
			traffic := o.load()
			traffic.last(100)
			lose()
			traffic.last(200)
			o.say("")
			traffic.end()
			// Where nobody knew a user any more, a call of his is fenced, which ends what
			// was just brought.
			o.served(2)
		})
	}
}

// With Redis and upstream gone, whoever is not served is told to come again; with
// both back he is.
func TestRedisAndUpstreamFail(t *testing.T) {
	t.Parallel() // it waits
	s := redistest.Single(t)
	o := newOutage(t, at(s.Addr()))
	b := o.brokers[0]
	warm, cold := warmed(t, b), strangers(t, b, "both gone")
	s.Kill()
	o.say("unreachable")
	o.proxy.begin(nil)
	eachAtOnce(t, append(warm(t), cold...), func(q question) error {
		r, err := q.ask(t.Context())
		if err == nil && q.name == "STS" {
			return ofSTS(q, r, false)
		}
		if err == nil {
			err = passing(q, r, false)
		}
		return err
	})
	o.proxy.end(t)
	s.Start()
	o.say("")
	eachAtOnce(t, append(warm(t), cold...), func(q question) error { return recovered(t.Context(), q) })
	o.served(1)
}

// at is where a Redis is, in a configuration. A busy machine is given time.
func at(addresses ...string) string {
	return "dial_timeout: 2s, read_timeout: 1s, write_timeout: 1s, addresses: ['" + strings.Join(addresses, "', '") + "']"
}

// patiently is at for a Redis that never fails.
func patiently(address string) string {
	return "dial_timeout: 10s, read_timeout: 10s, write_timeout: 10s, addresses: ['" + address + "']"
}

// say waits until all brokers say of Redis what is wrong; empty: nothing.
func (o *outage) say(reason string) {
	o.Helper()
	for _, b := range o.brokers {
		o.ready(b, reason)
	}
}

// changesNothing asks for all that needs a fence. It must fail, as what will pass,
// and upstream must know nothing of it.
func (o *outage) changesNothing() {
	o.Helper()
	for _, c := range o.changes() {
		before := c.state()
		r, err := c.ask(o.Context())
		if err == nil {
			err = passing(c.question, r, false)
		}
		if err != nil {
			o.Errorf("%s: %v", c.name, err)
		}
		if after := c.state(); after != before {
			o.Errorf("%s: upstream has %s, want %s as before", c.name, after, before)
		}
	}
}

// served has everybody ask for all that is kept, at any broker. It must be brought
// that many times at most, and then all must be hits.
func (o *outage) served(times int) {
	o.Helper()
	everybody := append(append([]somebody{}, o.people...), o.guests...)
	most := times * (5*len(o.people) + len(o.guests)) // of three exchanges two take two calls
	for _, p := range everybody {                     // who is a guest, and known to none, is not for the cache
		for _, b := range o.brokers {
			o.asks(p, []question{p.token(b)})
		}
	}
	before := o.tallied.exchanges()
	rounds := 0
	for hits := false; !hits; rounds++ {
		var all sync.WaitGroup
		results := make([]bool, len(everybody))
		for i, p := range everybody {
			all.Go(func() {
				results[i] = true
				for range 3 {
					results[i] = o.asks(p, o.questions(p)) && results[i]
				}
			})
		}
		all.Wait()
		hits = true
		for _, r := range results {
			hits = hits && r
		}
		if rounds > 20 {
			o.missed.Range(func(what, cache any) bool { o.Logf("%s: %q", what, cache); return true })
			o.Fatal("after it: not all are served from the cache")
		}
		o.missed.Clear()
		// Ids are kept when nothing was fenced for seconds.
		pause(o.Context(), time.Second)
	}
	came := o.tallied.exchanges() - before
	o.Logf("after it: %d calls of upstream; all hits in round %d", came, rounds)
	if came > most {
		o.Errorf("after it: upstream was called %d times, want %d at most", came, most)
	}
}

// asks asks questions, and reports whether all were answered from the cache.
func (o *outage) asks(p somebody, questions []question) (hits bool) {
	hits = true
	for _, q := range questions {
		r, err := q.ask(o.Context())
		if err != nil || r.status != http.StatusOK {
			o.Errorf("after it, %s: got %+v %v, want 200", q.name, r, err)
		}
		if r.cache != "hit" {
			hits = false
			o.missed.Store(q.name+" of "+p.name, r.cache)
		}
	}
	return hits
}
