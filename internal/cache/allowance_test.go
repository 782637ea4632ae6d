package cache_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

func newAllowance(t interface{ Fatal(...any) }, names int, now func() time.Time) *cache.Allowance {
	a, err := cache.NewAllowance(6, 3, names, now) // one comes back in 10 s
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// At no time has a name had more permits than its burst and what came back meanwhile; whoever
// waits as long as he was told gets one; and names do not touch one another.
func TestAllowance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		a := newAllowance(t, 1000, func() time.Time { return now })
		defer a.Close()
		const every, full = 10 * time.Second, 30 * time.Second
		left := map[string]time.Duration{"x": full, "y": full}
		pass := func(d time.Duration) {
			now = now.Add(d)
			for name := range left {
				left[name] = min(full, left[name]+d)
			}
		}
		take := func(t *rapid.T, name string) (wait time.Duration) {
			wait = a.Take(name)
			if want := max(0, every-left[name]); wait != want {
				t.Fatalf("with %v of turns left: told to wait %v, want %v", left[name], wait, want)
			}
			if wait == 0 {
				left[name] -= every
			}
			return wait
		}
		names := rapid.SampledFrom([]string{"x", "y"})
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) { take(t, names.Draw(t, "name")) },
			"wait": func(t *rapid.T) {
				name := names.Draw(t, "name")
				if wait := take(t, name); wait > 0 {
					pass(wait)
					take(t, name)
				}
			},
			"well": func(t *rapid.T) { // taken and given back at once: as if it had not been
				if name := names.Draw(t, "name"); take(t, name) == 0 {
					a.Return(name)
					left[name] += every
				}
			},
			"pass": func(t *rapid.T) { pass(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second) },
		})
	})
}

func TestAllowanceTogether(t *testing.T) {
	now := time.Now()
	a := newAllowance(t, 1000, func() time.Time { return now })
	defer a.Close()
	var taken atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 100 {
				if a.Take("x") == 0 {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if got := taken.Load(); got != 3 {
		t.Errorf("got %d turns at once, want 3", got)
	}
}

// Any number of names takes a bounded room.
func TestAllowanceIsBounded(t *testing.T) {
	a := newAllowance(t, 50, nil)
	defer a.Close()
	for n := range 5000 {
		a.Take(fmt.Sprint(n))
	}
	if got := a.Len(); got > 50 {
		t.Errorf("got %d names, want at most 50", got)
	}
	a.Return("never taken")
}
