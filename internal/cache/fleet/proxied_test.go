package fleet_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// switchboard carries connections to a server that may be replaced while they last, as a
// proxy before Redis does.
type switchboard struct {
	net.Listener
	target atomic.Pointer[string]
}

func newSwitchboard(t *testing.T, address string) *switchboard {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &switchboard{Listener: l}
	s.target.Store(&address)
	var carrying sync.WaitGroup
	carrying.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			carrying.Go(func() { s.carry(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		carrying.Wait()
	})
	return s
}

// carry sends what the client says to whichever server stands there when it says it.
func (s *switchboard) carry(client net.Conn) {
	defer client.Close()
	servers := map[string]net.Conn{}
	defer func() {
		for _, server := range servers {
			server.Close()
		}
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		address := *s.target.Load()
		if servers[address] == nil {
			server, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			servers[address] = server
			go io.Copy(client, server)
		}
		if _, err := servers[address].Write(buf[:n]); err != nil {
			return
		}
	}
}

// copyTo gives another server all strings of one.
func copyTo(t *testing.T, from, to *redistest.Server) {
	t.Helper()
	for _, key := range from.Client().Keys(t.Context(), "*").Val() {
		if value, err := from.Client().Get(t.Context(), key).Bytes(); err == nil {
			if err := to.Client().Set(t.Context(), key, value, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A connection may outlive the server process at its end, where a proxy is between. What
// another process answers than the one that is confirmed is not taken for its epochs: it
// may have read an old state back from its disk.
func TestServerReplacedBehindAProxy(t *testing.T) {
	t.Parallel()
	old, next := redistest.Single(t), redistest.Single(t)
	proxy := newSwitchboard(t, old.Addr())
	b := join(t, server(proxy.Addr().String()), newKeys()).leased(t)
	b.kept(t, "x")
	if found, err := b.found(t, "x"); err != nil || !found {
		t.Fatalf("got %v %v, want the entry", found, err)
	}
	copyTo(t, old, next)
	address := next.Addr()
	proxy.target.Store(&address)
	for range 1000 {
		if found, err := b.found(t, "x"); found {
			t.Fatalf("from another process: got the entry (%v), want none", err)
		}
	}
}
