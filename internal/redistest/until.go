package redistest

import (
	"testing"
	"time"
)

// Until waits until something has come that must come, for 30 s at most.
func Until(t testing.TB, what string, come func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !come(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}
