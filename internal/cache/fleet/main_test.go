package fleet_test

import (
	"os"
	"testing"

	"github.com/cognito-broker/broker/internal/testparallel"
)

// Many tests here wait: for leases, and for servers to die.
func TestMain(m *testing.M) {
	testparallel.Default("4")
	os.Exit(m.Run())
}
