package redistest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes sure that no test leaves a goroutine, so none leaves a server.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
