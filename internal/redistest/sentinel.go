package redistest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Watched is a master with a replica, and three sentinels that watch them. Its
// methods are for one goroutine at a time; what they cannot do fails the test.
type Watched struct {
	t                  testing.TB
	servers, sentinels []*Server
}

// MasterName is what sentinels call the master.
const MasterName = "broker"

// Sentinels starts a watched master, and ends all with the test. Options are for
// the servers; of them the sentinels have TLS alone. Two sentinels that miss the
// master for a second make the replica take over.
func Sentinels(t testing.TB, options ...Option) *Watched {
	t.Helper()
	u := newSetup(t, options)
	master := newServer(t, u)
	replica := newServer(t, u, fmt.Sprintf("replicaof 127.0.0.1 %d", master.port))
	w := &Watched{t: t, servers: []*Server{master, replica}}
	for range 3 {
		w.sentinels = append(w.sentinels, newSentinel(t, u, master.port))
	}
	err := inTurn(
		func() error { return startAll(w.servers) },
		w.linked, // so that each sentinel finds the replica at its first look
		func() error { return startAll(w.sentinels) },
		w.hasten,
		w.awaitWhole,
	)
	if err != nil {
		t.Fatalf("start a watched master: %v", err)
	}
	return w
}

func newSentinel(t testing.TB, of *setup, port int) *Server {
	t.Helper()
	u := &setup{tls: of.tls, mutual: of.mutual, certificates: of.certificates}
	lines := []string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", MasterName, port),
		"sentinel down-after-milliseconds " + MasterName + " 1000",
		"sentinel failover-timeout " + MasterName + " 1000",
	}
	if of.admin != "" {
		lines = append(lines, "sentinel auth-pass "+MasterName+" "+strconv.Quote(of.admin))
	}
	s := newServer(t, u, lines...)
	s.args = []string{"--sentinel"}
	return s
}

// inTurn does one step after the other, until one fails.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// linked waits until the replica has its master's data.
func (w *Watched) linked() error {
	return await(nil, "the replica is linked", func() error {
		for _, s := range w.servers {
			if err := s.linked(); err != nil {
				return err
			}
		}
		return nil
	})
}

// hasten makes the sentinels ask and tell more often, so that tests need not wait
// for it; how they decide stays what it is. Their pings keep the common pace: when
// all miss the master at once, each votes for itself. Nor do they rest for half a
// minute when a busy machine made them late.
func (w *Watched) hasten() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, s := range w.sentinels {
		err := s.client.Do(ctx, "SENTINEL", "DEBUG", "INFO-PERIOD", 200,
			"PUBLISH-PERIOD", 200, "ASK-PERIOD", 100, "TILT-PERIOD", 1000).Err()
		if err != nil {
			return err
		}
	}
	return nil
}

// Addrs returns the addresses of the sentinels.
func (w *Watched) Addrs() []string { return addresses(w.sentinels) }

// Sentinels returns the sentinels.
func (w *Watched) Sentinels() []*Server { return slices.Clone(w.sentinels) }

// Servers returns the servers, in an order that means nothing.
func (w *Watched) Servers() []*Server { return slices.Clone(w.servers) }

// Master returns the server that the sentinels name now.
func (w *Watched) Master() *Server {
	w.t.Helper()
	for _, s := range w.sentinels {
		if !s.runs() {
			continue
		}
		if m, err := w.masterBy(s); err == nil {
			return m
		}
	}
	w.t.Fatal("no sentinel names a master")
	return nil
}

// Replica returns the other server.
func (w *Watched) Replica() *Server {
	w.t.Helper()
	return w.other(w.Master())
}

func (w *Watched) other(s *Server) *Server {
	if s == w.servers[0] {
		return w.servers[1]
	}
	return w.servers[0]
}

// KillMaster kills the master. It returns the dead one, when the replica has taken
// over and the sentinels that run say so.
func (w *Watched) KillMaster() *Server {
	w.t.Helper()
	dead := w.Master()
	dead.Kill()
	if err := w.awaitMaster(w.other(dead), func() {}); err != nil {
		w.t.Error(err)
	}
	return dead
}

// Failover makes the sentinels exchange master and replica. On a busy machine they
// may take a master that is new and slow for dead, and exchange them back, before
// anybody has looked: then they are asked again.
func (w *Watched) Failover() {
	w.t.Helper()
	from := w.Master()
	err := inTurn(
		func() error { return w.awaitMaster(w.other(from), func() { w.ask(from) }) },
		w.awaitWhole,
	)
	if err != nil {
		w.t.Error(err)
	}
}

// ask asks a sentinel for a failover, if it takes from for the master. What it answers
// does not matter: it may have begun already.
func (w *Watched) ask(from *Server) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if m, err := w.masterBy(w.sentinels[0]); err == nil && m == from {
		_ = w.sentinels[0].client.Do(ctx, "SENTINEL", "FAILOVER", MasterName).Err()
	}
}

// Heal starts what was killed, lets go on what was paused, and returns when the
// sentinels see a master and a replica that has its data.
func (w *Watched) Heal() {
	w.t.Helper()
	for _, s := range slices.Concat(w.servers, w.sentinels) {
		s.revive()
	}
	if err := inTurn(w.hasten, w.awaitWhole); err != nil {
		w.t.Error(err)
	}
}

// awaitMaster waits until the sentinels name the server, and it knows. Before each look
// something is done.
func (w *Watched) awaitMaster(s *Server, before func()) error {
	err := w.await("a failover", before, func(sentinel *Server) error {
		m, err := w.masterBy(sentinel)
		if err != nil {
			return err
		}
		if m != s {
			return fmt.Errorf("it still names %s", m.Addr())
		}
		info, err := s.replication()
		if err == nil && info["role"] != "master" {
			err = fmt.Errorf("%s thinks that it is a %s", s.Addr(), info["role"])
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("%w\nThe sentinels said:\n%s", err, w.said())
	}
	return err
}

// said is the end of what each sentinel wrote down.
func (w *Watched) said() string {
	var all strings.Builder
	for _, s := range w.sentinels {
		text, _ := os.ReadFile(s.log)
		lines := slices.Collect(strings.Lines(string(text)))
		fmt.Fprintf(&all, "%s:\n%s", s.Addr(), strings.Join(lines[max(0, len(lines)-40):], ""))
	}
	return all.String()
}

// awaitWhole waits until the sentinels know one another, a master that is well and
// a replica that has its data.
func (w *Watched) awaitWhole() error {
	return inTurn(func() error { return w.await("the master is watched", func() {}, watches) }, w.linked)
}

// watches tells what a sentinel lacks of its knowledge for a failover.
func watches(sentinel *Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer := redis.NewMapStringStringCmd(ctx, "SENTINEL", "MASTER", MasterName)
	if err := sentinel.client.Process(ctx, answer); err != nil {
		return err
	}
	m := answer.Val()
	if m["flags"] != "master" || m["num-slaves"] != "1" || m["num-other-sentinels"] != "2" {
		return fmt.Errorf(
			"it sees a %s, %s replicas and %s other sentinels", m["flags"], m["num-slaves"], m["num-other-sentinels"],
		)
	}
	replica, err := pairs(sentinel.client.Do(ctx, "SENTINEL", "REPLICAS", MasterName))
	if err != nil {
		return err
	}
	for _, want := range [][2]string{{"flags", "slave"}, {"master-link-status", "ok"}} {
		i := slices.Index(replica, want[0])
		if i < 0 || replica[i+1] != want[1] {
			return fmt.Errorf("the replica's %s is not %s: %q", want[0], want[1], replica)
		}
	}
	return nil
}

// masterBy returns the server that a sentinel names.
func (w *Watched) masterBy(sentinel *Server) (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address, err := sentinel.client.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName).StringSlice()
	if err != nil {
		return nil, err
	}
	for _, s := range w.servers {
		if s.Addr() == strings.Join(address, ":") {
			return s, nil
		}
	}
	return nil, fmt.Errorf("it names %v, which is none of the servers", address)
}

// await waits until all sentinels that run say what they should. Before each look
// something is done.
func (w *Watched) await(what string, before func(), check func(sentinel *Server) error) error {
	return await(nil, what, func() error {
		before()
		for _, s := range w.sentinels {
			if !s.runs() {
				continue
			}
			if err := check(s); err != nil {
				return fmt.Errorf("sentinel %s: %w", s.Addr(), err)
			}
		}
		return nil
	})
}
