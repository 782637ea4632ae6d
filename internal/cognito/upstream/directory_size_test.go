package upstream_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

// What is known of a user takes little beside his names: those of his pool and his provider
// stand once for all, and his identity's once for him.
func TestDirectoryIsSmall(t *testing.T) {
	const count, most = 4000, 500
	heap := func() int {
		for range 2 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	backend, err := upstream.New(upstream.Config{
		Region: "us-east-1", MaxIdentities: count, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d := backend.Directory()
	before := heap()
	for n := range count {
		id := fmt.Sprintf("us-east-1:%036d", n)
		pool := strings.Clone("us-east-1:00000000-0000-4000-8000-000000000001")
		for range 2 { // as each exchange tells again
			d.Owns(pool, strings.Clone("cognito-idp.us-east-1.amazonaws.com/us-east-1_000000000"), fmt.Sprintf("%036d", n), id)
			d.Recall(id, pool, true)
		}
	}
	if got := (heap() - before) / count; got > most {
		t.Errorf("got %d bytes for a user, want at most %d", got, most)
	}
	runtime.KeepAlive(d)
}
