package redistest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes sure that no test leaves a goroutine, so none leaves a server.
func TestMain(m *testing.M) {
	// A client that was often refused dials once a second, and sees up to a second
	// late that it was closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}
