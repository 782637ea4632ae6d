// Package testport reserves TCP ports for the servers of tests, among all test
// binaries that run at once.
package testport

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports are taken from below the range that the kernel gives to outgoing
// connections (32768 and up on Linux), and so are those of a Redis cluster's bus: a
// server that was killed finds its port free when it starts again.
const (
	firstPort, lastPort = 12_000, 21_999
	busOffset           = 10_000
)

// Reserve returns a port that is free on loopback, as is the port 10,000 above it,
// which a Redis cluster uses for its bus. Both stay reserved until the test ends.
func Reserve(t testing.TB) int {
	t.Helper()
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		claim, err := claimPort(port)
		if err == nil {
			t.Cleanup(func() { claim.Close() })
			return port
		}
		last = err
	}
	t.Fatal(fmt.Errorf("find a free port: %w", last))
	return 0
}

// Address is a loopback address with a port of its own, as Reserve returns it.
func Address(t testing.TB) string {
	t.Helper()
	return Loopback(Reserve(t))
}

// Loopback is the address of a port, as host:port.
func Loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// claimPort holds the port's number by a UDP socket: the kernel keeps the claim
// apart from the TCP port that the server will use, and ends it with the process.
func claimPort(port int) (io.Closer, error) {
	claim, err := net.ListenPacket("udp", Loopback(port))
	if err != nil {
		return nil, err
	}
	for _, p := range []int{port, port + busOffset} {
		l, err := net.Listen("tcp", Loopback(p))
		if err != nil {
			return nil, errors.Join(err, claim.Close())
		}
		if err := l.Close(); err != nil {
			return nil, errors.Join(err, claim.Close())
		}
	}
	return claim, nil
}
