package issuer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
)

// age is that of rotation; it ends between two looks at the clock.
const age = 48*time.Hour + 30*time.Second

// run runs an issuer in a bubble until the test ends. Failures are counted.
func run(t *testing.T, m *memory) (i *issuer.Issuer, failures *int, stop func()) {
	t.Helper()
	failures = new(int)
	c := config(m, nil)
	c.Rotation = age
	c.OnFailure = func(err error) {
		*failures++
		if !errors.Is(err, errDisk) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told %v, want the store's error", err)
		}
	}
	i = start(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- i.Run(ctx) }()
	return i, failures, func() {
		cancel()
		synctest.Wait()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: got %v, want nil", err)
			}
		default:
			t.Error("Run goes on after its context ended")
		}
	}
}

func pass(d time.Duration) { time.Sleep(d); synctest.Wait() } // in a bubble: no time at all

func expect(t *testing.T, when string, i *issuer.Issuer, m *memory, wantPublished, wantStored string) {
	t.Helper()
	if got := published(i); got != wantPublished {
		t.Errorf("%s: published %s, want %s", when, got, wantPublished)
	}
	if got := m.ids(); got != wantStored {
		t.Errorf("%s: stored %s, want %s", when, got, wantStored)
	}
}

func TestRunRotatesByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		i, failures, stop := run(t, m)
		defer stop()
		pass(age - time.Second)
		expect(t, "before its age", i, m, "us-east-1-1", "us-east-1-1")
		pass(time.Second)
		expect(t, "at its age", i, m, "us-east-1-2 us-east-1-1", "us-east-1-1- us-east-1-2")
		pass(25*time.Hour - time.Second)
		expect(t, "within 25 h", i, m, "us-east-1-2 us-east-1-1", "us-east-1-1- us-east-1-2")
		pass(time.Second)
		expect(t, "after 25 h", i, m, "us-east-1-2", "us-east-1-2")
		pass(age - 25*time.Hour)
		expect(t, "at the second's age", i, m, "us-east-1-3 us-east-1-2", "us-east-1-2- us-east-1-3")
		pass(26*time.Hour + 7*time.Second)
		rotate(t, i)
		pass(25*time.Hour - time.Second) // which lies between two looks at the clock
		expect(t, "rotated by hand, a second before", i, m, "us-east-1-4 us-east-1-3", "us-east-1-3- us-east-1-4")
		pass(time.Second)
		expect(t, "rotated by hand, on the second", i, m, "us-east-1-4", "us-east-1-4")
		if *failures != 0 {
			t.Errorf("got %d failures, want none", *failures)
		}
	})
}

// Each rotation is told, by age or by hand, but for the first key of all; so is the end of
// a store's failures, once.
func TestRotationsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recovered := &memory{}, 0
		var (
			mu   sync.Mutex // guards told and recovered
			told []string
		)
		c := config(m, nil)
		c.Rotation = age
		c.OnRotation = func(keyID string) { mu.Lock(); defer mu.Unlock(); told = append(told, keyID) }
		c.OnRecovery = func() { mu.Lock(); defer mu.Unlock(); recovered++ }
		i := start(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		go func() { _ = i.Run(ctx) }()
		expect := func(when string, wantRecovered int, want ...string) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, want) || recovered != wantRecovered {
				t.Errorf("%s: got %q and %d recoveries, want %q and %d", when, told, recovered, want, wantRecovered)
			}
		}
		pass(time.Minute)
		expect("the first key", 0)
		pass(age)
		expect("by age", 0, "us-east-1-2")
		rotate(t, i)
		expect("by hand", 0, "us-east-1-2", "us-east-1-3")
		m.fail(func(context.Context, []issuer.Key) error { return errDisk })
		pass(age + 25*time.Second)
		expect("store failing", 0, "us-east-1-2", "us-east-1-3")
		m.fail(nil)
		pass(10 * time.Minute)
		expect("store mended", 1, "us-east-1-2", "us-east-1-3", "us-east-1-7")
		start(t, c)
		expect("another start", 1, "us-east-1-2", "us-east-1-3", "us-east-1-7")
	})
}

func TestRunSurvivesItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		i, failures, stop := run(t, m)
		defer stop()
		pass(age - time.Minute)
		m.fail(func(context.Context, []issuer.Key) error { return errDisk })
		pass(time.Minute + 25*time.Second)
		expect(t, "store failing", i, m, "us-east-1-1", "us-east-1-1")
		if *failures != 3 {
			t.Errorf("got %d failures in 25 s, want 3: one each 10 s", *failures)
		}
		if err := verifyOutside(i, sign(t, i, claims(time.Now()))); err != nil {
			t.Error(err)
		}
		m.fail(func(ctx context.Context, _ []issuer.Key) error { <-ctx.Done(); return ctx.Err() })
		pass(5*time.Second + time.Minute)
		if *failures != 4 {
			t.Errorf("got %d failures, want a store that hangs to be given up after a minute", *failures)
		}
		m.fail(nil)
		pass(10 * time.Second)
		expect(t, "store mended", i, m, "us-east-1-6 us-east-1-1", "us-east-1-1- us-east-1-6")

		m.fail(func(context.Context, []issuer.Key) error { return errDisk })
		pass(25 * time.Hour)
		expect(t, "past its time, store failing", i, m, "us-east-1-6", "us-east-1-1- us-east-1-6")
		m.fail(nil)
		pass(10 * time.Second)
		expect(t, "store mended again", i, m, "us-east-1-6", "us-east-1-6")
	})
}

// A store may fail after it wrote. Then it holds the signing key as retired, and
// a later start would drop that too early; Run puts it right.
func TestRunSetsTheStoreRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		i, _, stop := run(t, m)
		pass(time.Hour)
		m.fail(func(_ context.Context, next []issuer.Key) error { m.put(next); return errDisk })
		if _, err := i.Rotate(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("got %v, want the store's error", err)
		}
		expect(t, "outcome unknown", i, m, "us-east-1-1", "us-east-1-1- us-east-1-2")
		m.fail(nil)
		pass(time.Minute)
		expect(t, "after a minute", i, m, "us-east-1-1", "us-east-1-1")
		stop()

		// What New dropped, Run takes out of the store.
		rotate(t, i)
		pass(26 * time.Hour)
		i, _, stop = run(t, m)
		defer stop()
		synctest.Wait()
		expect(t, "restarted", i, m, "us-east-1-3", "us-east-1-3")
	})
}

func TestRunEndsInsideAHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		_, failures, stop := run(t, m)
		m.fail(func(ctx context.Context, _ []issuer.Key) error { <-ctx.Done(); return ctx.Err() })
		pass(age + time.Second)
		stop()
		if *failures != 0 {
			t.Errorf("got %d failures told, want none for an end that was asked for", *failures)
		}
	})
}
