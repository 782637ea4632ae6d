package logins_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/logins"
)

// slow is a transport whose answers take so long.
type slow struct {
	http.RoundTripper
	takes time.Duration
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return s.RoundTripper.RoundTrip(r)
}

// slowly is a provider whose answers take so long.
func slowly(takes time.Duration) func(*logins.Config) {
	return func(c *logins.Config) { c.Transport = slow{c.Transport, takes} }
}

func at(ctx context.Context, n int) context.Context {
	return logins.WithAddress(ctx, fmt.Sprintf("2001:db8:0:%x::/64", n))
}

// While others at 20 addresses bring new tokens without end, and the provider takes a second for an
// answer, whoever comes from another address has his in a few seconds; what waits is bounded.
func TestStrangersHoldNobodyUp(t *testing.T) {
	inBubble(t, slowly(time.Second), func(t *testing.T, r graphRig) {
		ctx, end := context.WithCancel(t.Context())
		const addresses, each = 20, 8
		var all sync.WaitGroup
		var made atomic.Int32
		for n := range addresses * each {
			all.Go(func() {
				for ctx.Err() == nil {
					_ = r.prove(at(ctx, n%addresses), nobodys(int(made.Add(1))))
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		var slowest time.Duration
		for n := range 10 {
			time.Sleep(617 * time.Millisecond)
			began := time.Now()
			if err := r.prove(at(t.Context(), 1000+n), r.user(fmt.Sprint(n))); err != nil {
				t.Errorf("user %d: got %v after %v", n, err, time.Since(began))
			}
			slowest = max(slowest, time.Since(began))
			if open := r.Open(facebookName); open > 16+4*addresses {
				t.Errorf("%d questions are open, want at most 16, and 4 of each address that wait", open)
			}
		}
		if slowest > 4*time.Second {
			t.Errorf("the slowest user waited %v, want at most 4 s", slowest)
		}
		if n := r.graph.AtOnce.Load(); n > 16 {
			t.Errorf("got %d questions at once, want at most 16", n)
		}
		end()
		all.Wait()
	})
}

// opened brings tokens of an address, each by its own goroutine, and reports how each ended, in any order.
func (r graphRig) opened(ctx context.Context, first, tokens int) <-chan error {
	ended := make(chan error, tokens)
	for n := range tokens {
		go func() { ended <- r.prove(ctx, nobodys(first+n)) }()
	}
	synctest.Wait()
	return ended
}

// Of an address 4 questions wait, of all 1,000: then an address that has fewer takes a place of the one
// that has most. Whoever gets none is told at once.
func TestHowManyWaitForTheirTurn(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r graphRig) {
		r.graph.Hold()
		ctx, leave := context.WithCancel(t.Context())
		began := time.Now()
		told := func(what string, ended <-chan error, want int, as string) {
			t.Helper()
			for n := range want {
				select {
				case err := <-ended:
					if refusal(err) != as {
						t.Errorf("%s: got %v, want %s", what, err, as)
					}
				default:
					t.Fatalf("%s: %d were told at once, want %d", what, n, want)
				}
			}
			if len(ended) > 0 || time.Since(began) > 0 {
				t.Errorf("%s: %d more were told, after %v", what, len(ended), time.Since(began))
			}
		}
		told("one address", r.opened(at(ctx, 0), 0, 30), 10, "*logins.Limited")
		var others []<-chan error
		for n := range 249 {
			others = append(others, r.opened(at(ctx, 1+n), 100*(n+1), 4))
		}
		if n := r.Open(facebookName); n != 1016 {
			t.Fatalf("%d questions are open, want 16 and 1,000", n)
		}
		told("who comes as the fourth of his address", r.opened(at(ctx, 300), 50_000, 4), 1, cannotBeAsked)
		gone := 0
		for _, ended := range others {
			gone += len(ended)
		}
		if n := r.Open(facebookName); n != 1016 || gone < 2 || gone > 3 {
			t.Errorf("%d questions are open and %d gave way, want 1,016 and one for each that came", n, gone)
		}
		leave()
		synctest.Wait()
		if n := r.Open(facebookName); n != 0 {
			t.Errorf("%d questions are open after all have left", n)
		}
		r.graph.Release()
		if err := r.prove(at(t.Context(), 0), r.user("7")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// Who would wait too long is told at once, and nobody waits longer than 10 s for his turn.
func TestNobodyWaitsTooLongForHisTurn(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r graphRig) {
		r.graph.Hold() // each question takes 3 s
		began := time.Now()
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				err := r.prove(at(t.Context(), n), nobodys(n))
				if took := time.Since(began); refusal(err) != cannotBeAsked || took > 13*time.Second {
					t.Errorf("address %d: got %v after %v, want Unavailable within 13 s", n, err, took)
				}
			})
		}
		time.Sleep(7 * time.Second) // 152 wait, of whom 16 go on each 3 s
		before := time.Now()
		if err := r.prove(at(t.Context(), 1000), nobodys(1000)); refusal(err) != cannotBeAsked {
			t.Errorf("got %v, want Unavailable", err)
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("who would wait for half a minute was told so after %v", took)
		}
		all.Wait()
		if n := r.Open(facebookName); n != 0 {
			t.Errorf("%d questions are open", n)
		}
		r.graph.Release()
		if err := r.prove(at(t.Context(), 1000), r.user("7")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
