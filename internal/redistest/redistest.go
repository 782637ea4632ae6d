// Package redistest runs real Redis servers for tests: a single one, a cluster, a
// master that sentinels watch, and connections that can be cut. The servers listen
// on loopback ports of their own, keep nothing unless they are asked to, and end
// with the test, or with the test binary however that ends.
//
// Only tests may import it. It belongs to no layer: it knows nothing of the broker,
// so the tests of every package may start a Redis.
package redistest

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// program is what Debian's package redis-server brings.
const program = "redis-server"

// Patience bounds every wait of this package; nothing that works takes so long.
const patience = 30 * time.Second

// Need skips the test with -short, and when BROKER_TEST_WITHOUT, a list with commas, names
// redis; it fails it when no redis-server is on the PATH. What starts servers calls it.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: it starts a redis-server")
	}
	if slices.Contains(strings.Split(os.Getenv("BROKER_TEST_WITHOUT"), ","), "redis") {
		t.Skip("left out: BROKER_TEST_WITHOUT names redis")
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Fatal("this test needs a redis-server on the PATH: `apt-get install redis-server`; " +
			"BROKER_TEST_WITHOUT=redis leaves such tests out")
	}
}

// await asks again and again until the answer is nil, the wait is given up by a
// close of gone, or patience ends. It returns the last answer.
func await(gone <-chan struct{}, what string, ask func() error) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-gone:
			return fmt.Errorf("%s: the server is gone: %w", what, err)
		case <-deadline.C:
			return fmt.Errorf("%s: not within %v: %w", what, patience, err)
		case <-again.C:
		}
	}
}
