package flows_test

import (
	"flag"
	"os"
	"testing"
)

// Many tests here wait: for leases, and for calls that end later. So more of them run at a time than
// there are processors, unless -parallel says otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		_ = flag.Set("test.parallel", "3")
	}
	os.Exit(m.Run())
}
