package redistest_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/redistest"
)

// connect returns a client that logs in as the broker would.
func connect(t *testing.T, s *redistest.Server) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Addr: s.Addr(), Username: s.Username, Password: s.Password, TLSConfig: s.TLS,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func set(t *testing.T, c redis.Cmdable, key, value string) {
	t.Helper()
	if err := c.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatalf("SET: %v", err)
	}
}

func keys(t *testing.T, c redis.Cmdable) int64 {
	t.Helper()
	n, err := c.DBSize(t.Context()).Result()
	if err != nil {
		t.Fatalf("DBSIZE: %v", err)
	}
	return n
}

// until asks until the answer is yes.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ask() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within a minute: %s", what)
		case <-again.C:
		}
	}
}

// A killed server refuses, keeps its port, and comes back empty; with an
// append-only file it comes back as it was.
func TestKillStart(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []redistest.Option
		want    int64
	}{
		{"empty", nil, 0},
		{"kept", []redistest.Option{redistest.Arg("appendonly", "yes"), redistest.Arg("appendfsync", "always")}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := redistest.Single(t, tt.options...)
			set(t, connect(t, s), "k", "v")
			address := s.Addr()
			s.Kill()
			s.Kill() // stays dead
			if err := connect(t, s).Ping(t.Context()).Err(); err == nil {
				t.Error("a killed server answers PING")
			}
			s.Start()
			if got := s.Addr(); got != address {
				t.Errorf("started again at %s, want %s", got, address)
			}
			if got := keys(t, connect(t, s)); got != tt.want {
				t.Errorf("started again with %d keys, want %d", got, tt.want)
			}
		})
	}
}

func TestPauseResume(t *testing.T) {
	s := redistest.Single(t)
	c := connect(t, s)
	set(t, c, "k", "v")
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Get(ctx, "k").Err(); err == nil {
		t.Error("a paused server answers GET")
	}
	s.Resume()
	if got, err := connect(t, s).Get(t.Context(), "k").Result(); err != nil || got != "v" {
		t.Errorf("resumed: got %q, %v, want v", got, err)
	}
	s.Pause() // and can be killed so, by the clean-up
}

func TestConfigInfoFlushAll(t *testing.T) {
	s := redistest.Single(t, redistest.Arg("maxmemory", "64mb"))
	if got := s.Info("memory")["maxmemory"]; got != "67108864" {
		t.Errorf("maxmemory: got %s, want 67108864", got)
	}
	s.Config("maxmemory", "32mb")
	if got := s.Info()["maxmemory"]; got != "33554432" {
		t.Errorf("maxmemory after Config: got %s, want 33554432", got)
	}
	set(t, s.Client(), "k", "v")
	s.FlushAll()
	if got := keys(t, s.Client()); got != 0 {
		t.Errorf("after FlushAll: got %d keys, want none", got)
	}
}

// Each server takes the clients that it is told to, and no others.
func TestLogins(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []redistest.Option
	}{
		{"password", []redistest.Option{redistest.Password(`s"e cret`)}},
		{"user", []redistest.Option{redistest.User("broker", "secret")}},
		{"tls", []redistest.Option{redistest.TLS()}},
		{"mutual tls and user", []redistest.Option{redistest.MutualTLS(), redistest.User("broker", "secret")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := redistest.Single(t, tt.options...)
			set(t, connect(t, s), "k", "v")
			stranger := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1})
			defer stranger.Close()
			if err := stranger.Get(t.Context(), "k").Err(); err == nil {
				t.Error("a stranger reads")
			}
		})
	}
}

func TestTLSCertificates(t *testing.T) {
	s := redistest.Single(t, redistest.MutualTLS())
	for _, file := range []string{s.CAFile, s.CertFile, s.KeyFile} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	named := s.TLS.Clone()
	named.ServerName = redistest.ServerName
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), TLSConfig: named})
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("by the name in its certificate: %v", err)
	}
	bare := s.TLS.Clone()
	bare.Certificates = nil
	c = redis.NewClient(&redis.Options{Addr: s.Addr(), TLSConfig: bare, MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("a client without a certificate gets in")
	}
}

func TestUserRules(t *testing.T) {
	s := redistest.Single(t, redistest.User("broker", "secret", "~broker:*", "+set"))
	c := connect(t, s)
	set(t, c, "broker:k", "v")
	if err := c.Set(t.Context(), "other", "v", 0).Err(); err == nil {
		t.Error("the user writes a key that its rules do not name")
	}
	if got := keys(t, s.Client()); got != 1 {
		t.Errorf("the administrator sees %d keys, want 1", got)
	}
}

// The servers of a test binary that is killed end with it.
func TestEndsWithBinary(t *testing.T) {
	if os.Getenv("REDISTEST_HOLD") != "" {
		s := redistest.Single(t)
		os.Stdout.WriteString("at " + s.Addr() + "\n")
		select {} // until killed
	}
	redistest.Need(t)
	child := exec.Command(os.Args[0], "-test.run=^TestEndsWithBinary$", "-test.timeout=1m")
	child.Env = append(os.Environ(), "REDISTEST_HOLD=1", "TMPDIR="+t.TempDir()) // it cannot tidy up
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	child.Process.Kill()
	child.Wait()
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
	if err != nil || !ok {
		t.Fatalf("the binary said %q, %v, want an address", line, err)
	}
	until(t, "its server refuses", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}
