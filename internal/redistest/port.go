package redistest

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
// connections (32768 and up on Linux), and so are those of the cluster's bus: a
// server that was killed finds its port free when it starts again.
const (
	firstPort, lastPort = 12_000, 21_999
	busOffset           = 10_000
)

// reservePort returns a port that is free on loopback, as is that of its bus. It
// stays reserved until the test ends, among all test binaries that run.
func reservePort(t testing.TB) (int, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		claim, err := claimPort(port)
		if err == nil {
			t.Cleanup(func() { claim.Close() })
			return port, nil
		}
		last = err
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// claimPort holds the port's number by a UDP socket: the kernel keeps the claim
// apart from the TCP port that the server will use, and ends it with the process.
func claimPort(port int) (io.Closer, error) {
	claim, err := net.ListenPacket("udp", loopback(port))
	if err != nil {
		return nil, err
	}
	for _, p := range []int{port, port + busOffset} {
		l, err := net.Listen("tcp", loopback(p))
		if err != nil {
			return nil, errors.Join(err, claim.Close())
		}
		if err := l.Close(); err != nil {
			return nil, errors.Join(err, claim.Close())
		}
	}
	return claim, nil
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
