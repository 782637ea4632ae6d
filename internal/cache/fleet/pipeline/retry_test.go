package pipeline_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// breaking carries bytes to a server and back, and breaks the connection off once
// so many bytes of its answers have passed; zero is never.
func breaking(t *testing.T, server string) (address string, after *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	after = new(atomic.Int64)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go carry(client, server, after)
		}
	}()
	return l.Addr().String(), after
}

func carry(client net.Conn, address string, after *atomic.Int64) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(server, client)
	buf := make([]byte, 1<<16)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if left := after.Load(); left > 0 {
			if after.Store(0); int64(n) > left {
				client.Write(buf[:left])
				return
			}
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// An answer that breaks off in the middle is asked for anew, and nothing of the first
// part is taken for a part of the second.
func TestReaderRetriesBrokenConnections(t *testing.T) {
	s := redistest.Single(t)
	want := []string{strings.Repeat("a", 900), "", strings.Repeat("b", 900)}
	for i, name := range []string{"a", "none", "b"} {
		if want[i] != "" {
			if err := s.Client().Set(t.Context(), name, want[i], 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	address, after := breaking(t, s.Addr())
	r := newReader(t, server(address))
	for _, size := range []int64{0, 1, 4, 10, 500, 911, 920, 1500, 1850} {
		if _, err := r.Get(t.Context(), "a"); err != nil { // there is a connection
			t.Fatal(err)
		}
		after.Store(size)
		if got, err := r.Get(t.Context(), "a", "none", "b"); err != nil || !slices.Equal(got, want) {
			t.Errorf("broken off after %d bytes: got %.20q %v, want what is there", size, got, err)
		}
		if after.Load() != 0 {
			t.Errorf("after %d bytes: got nothing broken off", size)
		}
	}
}
