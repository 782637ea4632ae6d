package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

func newRates(t *testing.T, perMinute, burst, names int) *cache.Rates {
	t.Helper()
	r, err := cache.NewRates(perMinute, burst, names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// Each name has its own burst and rate.
func TestRatesByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(t, 6, 3, 100) // one in ten seconds
		began := time.Now()
		turn := func(name string, want time.Duration) {
			t.Helper()
			if err := r.Wait(t.Context(), name); err != nil || time.Since(began) != want {
				t.Errorf("%s: got %v after %v, want a turn after %v", name, err, time.Since(began), want)
			}
		}
		for range 3 {
			turn("a", 0)
		}
		turn("a", 10*time.Second)
		for range 3 {
			turn("b", 10*time.Second)
		}
		time.Sleep(time.Hour) // all of the burst, and no more, is there again
		for range 3 {
			turn("a", time.Hour+10*time.Second)
		}
		turn("a", time.Hour+20*time.Second)
	})
}

// Where no permit comes in time it says so at once, and takes none.
func TestRatesFailAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(t, 6, 1, 100)
		if err := r.Wait(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		short, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		for range 5 {
			if err := r.Wait(short, "a"); !errors.Is(err, cache.ErrLimited) || time.Since(began) != 0 {
				t.Errorf("got %v after %v, want ErrLimited at once", err, time.Since(began))
			}
		}
		long, cancel := context.WithTimeout(t.Context(), 11*time.Second)
		defer cancel()
		if err := r.Wait(long, "a"); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("got %v after %v, want a turn after 10 s", err, time.Since(began))
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := r.Wait(gone, "a"); !errors.Is(err, context.Canceled) || errors.Is(err, cache.ErrLimited) {
			t.Errorf("whoever left: got %v, want his own error", err)
		}
	})
}

// A flood of names takes bounded room.
func TestRatesAreBounded(t *testing.T) {
	r := newRates(t, 1, 1, 50)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.Wait(ctx, "victim"); err != nil {
		t.Fatal(err)
	}
	for n := range 3000 {
		if err := r.Wait(ctx, fmt.Sprint("flood", n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Len(); got > 50 {
		t.Errorf("names: got %d, want at most 50", got)
	}
}

// Who takes a permit does not wait for it: there is one, or he learns when.
func TestRatesTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(t, 6, 2, 100) // one in ten seconds
		take := func(name string, want time.Duration) {
			t.Helper()
			if got := r.Try(name).Round(time.Millisecond); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		take("a", 0)
		take("a", 0)
		for range 50 { // in vain: that puts nothing off
			take("a", 10*time.Second)
		}
		take("b", 0)
		time.Sleep(4 * time.Second)
		take("a", 6*time.Second)
		time.Sleep(6 * time.Second)
		take("a", 0)
		take("a", 10*time.Second)
	})
}

// Whoever is refused learns how long it is to the next turn, in whole seconds that are
// enough.
func TestRatesTellHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(t, 6, 1, 100) // one in ten seconds
		if err := r.Take("a"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			pass    time.Duration
			seconds int
		}{{100 * time.Millisecond, 10}, {400 * time.Millisecond, 10}, {8600 * time.Millisecond, 1}, {400 * time.Millisecond, 1}} {
			time.Sleep(c.pass)
			short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			for how, err := range map[string]error{"taken": r.Take("a"), "waited for": r.Wait(short, "a")} {
				limited, ok := errors.AsType[*cache.Limited](err)
				if !ok || !errors.Is(err, cache.ErrLimited) || limited.Seconds() != c.seconds {
					t.Errorf("a turn that is %s: got %v, want %d seconds to wait", how, err, c.seconds)
				}
			}
			cancel()
		}
		if got := new(cache.Limited).Seconds(); got != 1 {
			t.Errorf("where the next turn has come meanwhile: got %d seconds, want one", got)
		}
		time.Sleep(600 * time.Millisecond)
		if err := r.Take("a"); err != nil {
			t.Errorf("after it: got %v, want a turn", err)
		}
	})
}
