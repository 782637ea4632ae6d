package redistest

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Option changes how servers are started.
type Option func(*setup)

// setup is what the servers of one call have in common.
type setup struct {
	lines              []string // of the configuration file
	username, password string
	admin              string // the default user's password, or empty
	certificates       *certificates
	tls, mutual        bool
}

// Arg adds a line to the configuration: a directive and its value, written as in
// redis.conf. It comes last, so it replaces what this package sets.
func Arg(name, value string) Option {
	return func(s *setup) { s.lines = append(s.lines, name+" "+value) }
}

// Password makes the default user's password, which every client must send.
func Password(password string) Option {
	return func(s *setup) { s.password, s.admin = password, password }
}

// User adds a user with ACL rules, or without any one who may do everything, and
// closes the server to clients that do not log in.
func User(name, password string, rules ...string) Option {
	return func(s *setup) {
		if len(rules) == 0 {
			rules = []string{"~*", "&*", "+@all"}
		}
		s.username, s.password, s.admin = name, password, rand.Text()
		s.lines = append(
			s.lines, fmt.Sprintf("user %s on %s %s", name, strconv.Quote(">"+password), strings.Join(rules, " ")),
		)
	}
}

// TLS makes servers speak nothing else, with certificates of a new authority.
func TLS() Option { return func(s *setup) { s.tls = true } }

// MutualTLS is TLS, and clients must show a certificate of that authority.
func MutualTLS() Option { return func(s *setup) { s.tls, s.mutual = true, true } }

func newSetup(t testing.TB, options []Option) *setup {
	t.Helper()
	Need(t)
	s := &setup{}
	for _, o := range options {
		o(s)
	}
	if s.tls {
		c, err := makeCertificates(t.TempDir())
		if err != nil {
			t.Fatalf("make certificates: %v", err)
		}
		s.certificates = c
	}
	return s
}

// configuration is what redis.conf says of a server on the port; extra lines come
// before those of Arg.
func (s *setup) configuration(dir string, port int, extra []string) string {
	lines := []string{
		"bind 127.0.0.1",
		"dir " + strconv.Quote(dir),
		`save ""`,
		"appendonly no",
		"repl-diskless-sync yes",
		"repl-diskless-sync-delay 0", // the default waits five seconds for more replicas
		"repl-ping-replica-period 1", // a replica counts once its master has sent it something
	}
	if s.tls {
		lines = append(lines, s.certificates.configuration(port, s.mutual)...)
	} else {
		lines = append(lines, fmt.Sprintf("port %d", port))
	}
	if s.admin != "" {
		lines = append(lines, "requirepass "+strconv.Quote(s.admin), "masterauth "+strconv.Quote(s.admin))
	}
	lines = append(append(lines, extra...), s.lines...)
	return strings.Join(lines, "\n") + "\n"
}
