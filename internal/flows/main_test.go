package flows_test

import (
	"os"
	"testing"

	"github.com/cognito-broker/broker/internal/testparallel"
)

// Many tests here wait: for leases, and for calls that end later.
func TestMain(m *testing.M) {
	testparallel.Default("3")
	os.Exit(m.Run())
}
