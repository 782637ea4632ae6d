package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A broker that is out of files serves those who are connected, and lives on.
func TestOutOfFiles(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	most := uint64(len(files) + 20)
	if err := unix.Prlimit(b.process.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
		t.Fatal(err)
	}
	conns := b.open(t, other, 60, healthRequest)
	answered := answeredOf(conns[:10])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; !strings.Contains(b.logs.String(), `"limit":"files"`); n++ {
		if <-tick.C; n > 2000 {
			t.Fatal("no line says that files ran out")
		}
	}
	if answered != 10 {
		t.Errorf("of the first connections %d were answered, want all", answered)
	}
	for _, c := range conns {
		c.Close()
	}
	if _, err := b.getID(t.Context(), demoPool, nil); err != nil {
		t.Errorf("once there are files: %v", err)
	}
}
