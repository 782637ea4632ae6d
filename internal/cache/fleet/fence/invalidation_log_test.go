package fence

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

// Whatever of a chain of announcements is lost, whoever hears one that came later,
// or asks for a later head, knows that something was lost before it counts.
func TestInvalidationLogProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		missed := 0
		c := &invalidationLog{missed: func() { missed++ }, changed: make(chan struct{})}
		head := codec.Random() // as Redis has it
		c.begin(head)
		lost, known := 0, missed
		heard := map[[16]byte]bool{head: true}
		ended, cancel := context.WithCancel(context.Background())
		cancel() // await tells what it knows at once
		check := func() {
			if lost > 0 && missed == known {
				t.Fatalf("%d announcements were lost: got no notice", lost)
			}
			if lost == 0 && missed != known {
				t.Fatal("nothing was lost: got a notice of it")
			}
			lost, known = 0, missed
		}
		t.Repeat(map[string]func(*rapid.T){
			"heard": func(*rapid.T) {
				next := codec.Random()
				c.append(head, next)
				head, heard[next] = next, true
				check()
			},
			"lost": func(*rapid.T) {
				head = codec.Random()
				lost++
			},
			"renewed": func(*rapid.T) {
				if got := c.await(ended, head, 0); got != (lost == 0) {
					t.Fatalf("await the head with %d lost: got %v", lost, got)
				}
			},
			"subscribed again": func(*rapid.T) {
				c.begin(head)
				check()
			},
			"emptied": func(*rapid.T) { // the chain begins anew
				head = codec.Random()
				c.begin(head)
				lost++
				check()
			},
		})
	})
}
