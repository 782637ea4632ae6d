package fleet_test

import (
	"flag"
	"os"
	"testing"
)

// Most tests here wait: for leases, and for servers to die. So more of them run at a time than
// there are processors, unless -parallel says otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		_ = flag.Set("test.parallel", "4")
	}
	os.Exit(m.Run())
}
