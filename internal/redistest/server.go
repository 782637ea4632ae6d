package redistest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/cognito-broker/broker/internal/testport"
)

// Server is a redis-server. Its methods may be called from any goroutine; what
// they cannot do fails the test, which goes on.
type Server struct {
	// Username and Password are what clients log in with: those of User or
	// Password, or empty.
	Username, Password string
	// With TLS: the authority's certificate, and a client's with its key.
	CAFile, CertFile, KeyFile string
	// TLS is the same for Go's clients; nil without TLS.
	TLS *tls.Config

	t           testing.TB
	port        int
	config, log string // files
	args        []string
	client      *redis.Client // the administrator's

	mu      sync.Mutex // held while the process starts and ends
	process *process   // nil after Kill
	paused  bool
}

// Single starts a server of its own, empty and without persistence, and ends it
// with the test.
func Single(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := newServer(t, newSetup(t, options))
	s.begin()
	return s
}

// newServer makes a server that does not run yet; extra are lines of its
// configuration.
func newServer(t testing.TB, u *setup, extra ...string) *Server {
	t.Helper()
	dir := t.TempDir()
	port := testport.Reserve(t)
	s := &Server{
		Username: u.username, Password: u.password,
		t: t, port: port,
		config: filepath.Join(dir, "redis.conf"), log: filepath.Join(dir, "redis.log"),
	}
	if u.tls {
		s.CAFile, s.CertFile, s.KeyFile = u.certificates.ca, u.certificates.client, u.certificates.clientKey
		s.TLS = u.certificates.config
	}
	if err := os.WriteFile(s.config, []byte(u.configuration(dir, port, extra)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.client = redis.NewClient(&redis.Options{
		Addr: s.Addr(), Password: u.admin, TLSConfig: s.TLS,
		DialTimeout: patience, ReadTimeout: patience, ContextTimeoutEnabled: true,
		DialerRetries: 1, MaxRetries: -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() {
		s.client.Close()
		s.Kill()
	})
	return s
}

// begin starts the server, or ends the test.
func (s *Server) begin() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Addr returns the server's host and port, which never change.
func (s *Server) Addr() string { return testport.Loopback(s.port) }

// Client returns the administrator's client, who may do everything and never
// tries again. The test must not close it.
func (s *Server) Client() *redis.Client { return s.client }

// Start starts the server again on its port after Kill: empty, and with what its
// configuration said at first. It returns when the server answers.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Error(err)
	}
}

func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return errors.New("start redis-server: it runs already")
	}
	p, err := launch(s.log, program, append([]string{s.config}, s.args...)...)
	if err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	s.process = p
	if err := await(p.exited, "start redis-server", s.ping); err != nil {
		output, _ := os.ReadFile(s.log)
		return fmt.Errorf("%w\nIt said:\n%s", err, output)
	}
	return nil
}

func (s *Server) ping() error {
	// Asked first, for go-redis logs each refusal.
	c, err := net.DialTimeout("tcp", s.Addr(), patience)
	if err != nil {
		return err
	}
	c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.client.Ping(ctx).Err()
}

// Kill kills the server as a crash does (SIGKILL) and returns when it is gone; a
// dead one stays dead.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.end()
		s.process, s.paused = nil, false
	}
}

// runs reports whether the server may be expected to answer.
func (s *Server) runs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process != nil && !s.paused
}

// revive makes the server run, whatever was done to it.
func (s *Server) revive() {
	s.t.Helper()
	s.mu.Lock()
	dead, paused := s.process == nil, s.paused
	s.mu.Unlock()
	switch {
	case dead:
		s.Start()
	case paused:
		s.Resume()
	}
}

// Pause stops the server from running (SIGSTOP): connections are taken, and
// nothing is answered, until Resume.
func (s *Server) Pause() { s.t.Helper(); s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on, with what it was sent meanwhile.
func (s *Server) Resume() { s.t.Helper(); s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		s.t.Errorf("send redis-server %v: it does not run", signal)
		return
	}
	if err := s.process.Signal(signal); err != nil {
		s.t.Errorf("send redis-server %v: %v", signal, err)
		return
	}
	s.paused = signal == syscall.SIGSTOP
}

// FlushAll empties the server.
func (s *Server) FlushAll() {
	s.t.Helper()
	s.must("FLUSHALL", func(ctx context.Context) error { return s.client.FlushAll(ctx).Err() })
}

// Config changes a directive of the running server; Start forgets it.
func (s *Server) Config(name, value string) {
	s.t.Helper()
	s.must("CONFIG SET "+name, func(ctx context.Context) error { return s.client.ConfigSet(ctx, name, value).Err() })
}

// Info returns the fields of sections of INFO, or of its default ones.
func (s *Server) Info(sections ...string) map[string]string {
	s.t.Helper()
	var text string
	s.must("INFO", func(ctx context.Context) (err error) {
		text, err = s.client.Info(ctx, sections...).Result()
		return err
	})
	return fields(text)
}

// linked tells what a replica lacks of its master's data, or a master of its one
// replica.
func (s *Server) linked() error {
	info, err := s.replication()
	if err != nil {
		return err
	}
	if info["role"] == "slave" && info["master_link_status"] != "up" {
		return errors.New("the replica is not linked with its master")
	}
	if info["role"] == "master" && !strings.Contains(info["slave0"], "state=online") {
		return errors.New("the master has no replica that is linked")
	}
	return nil
}

func (s *Server) replication() (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text, err := s.client.Info(ctx, "replication").Result()
	return fields(text), err
}

// fields are the lines name:value of what Redis tells of itself.
func fields(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[name] = value
		}
	}
	return m
}

// must fails the test when the administrator's command fails.
func (s *Server) must(what string, do func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := do(ctx); err != nil {
		s.t.Errorf("redis-server at %s: %s: %v", s.Addr(), what, err)
	}
}
