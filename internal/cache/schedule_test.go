package cache_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

// A schedule does what a plain map of times would: each key is taken once, when
// its last time has come, earliest first.
func TestScheduleAgainstAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := cache.NewSchedule(), map[cache.Key]time.Time{}
		now := start
		done, cancel := context.WithCancel(context.Background())
		cancel()
		keys := make([]cache.Key, 8)
		for n := range keys {
			keys[n] = cache.Key{byte(n)}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key := rapid.SampledFrom(keys).Draw(t, "key")
				at := start.Add(time.Duration(rapid.IntRange(-5, 100).Draw(t, "at")) * time.Second)
				s.Put(key, at)
				model[key] = at
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "passed")) * time.Second)
				got := s.Wait(done, 256, func() time.Time { return now })
				for n, key := range got {
					if at, ok := model[key]; !ok || at.After(now) {
						t.Fatalf("got a key that is not due")
					}
					if n > 0 && model[got[n-1]].After(model[key]) {
						t.Fatalf("got keys out of order")
					}
				}
				for _, key := range got {
					delete(model, key)
				}
				for _, at := range model {
					if !at.After(now) {
						t.Fatalf("a key that was due stayed behind")
					}
				}
			},
			"": func(t *rapid.T) {
				if s.Len() != len(model) {
					t.Fatalf("keys: got %d, want %d", s.Len(), len(model))
				}
			},
		})
	})
}

// Whoever waits is woken by a key that comes before those he waits for, and not
// kept by one that moved away.
func TestScheduleWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSchedule()
		began := time.Now()
		type taken struct {
			keys  []cache.Key
			after time.Duration
		}
		got := make(chan taken)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(got)
			for {
				keys := s.Wait(ctx, 256, time.Now)
				if len(keys) == 0 {
					return
				}
				got <- taken{keys, time.Since(began)}
			}
		}()
		want := func(key byte, after time.Duration) {
			t.Helper()
			if g := <-got; !slices.Equal(g.keys, []cache.Key{{key}}) || g.after != after {
				t.Errorf("got %d keys after %v, want key %d after %v", len(g.keys), g.after, key, after)
			}
		}
		synctest.Wait()
		s.Put(cache.Key{1}, began.Add(3*time.Hour)) // later than it sleeps by itself
		s.Put(cache.Key{2}, began.Add(2*time.Hour))
		s.Put(cache.Key{3}, began.Add(time.Hour))
		s.Put(cache.Key{3}, began.Add(150*time.Minute)) // moved away
		synctest.Wait()
		want(2, 2*time.Hour)
		want(3, 150*time.Minute)
		want(1, 3*time.Hour)
		synctest.Wait()
		s.Put(cache.Key{4}, began) // long due
		want(4, 3*time.Hour)
		cancel()
		if g, ok := <-got; ok {
			t.Errorf("after the end: got %d keys, want none", len(g.keys))
		}
	})
}

// One Wait returns a bounded number; the rest comes with the next.
func TestScheduleIsTakenInParts(t *testing.T) {
	s := cache.NewSchedule()
	for n := range 600 {
		s.Put(cache.Key{byte(n), byte(n >> 8)}, start.Add(time.Duration(n)))
	}
	seen := map[cache.Key]bool{}
	for _, want := range []int{256, 256, 88} {
		got := s.Wait(t.Context(), 256, func() time.Time { return start.Add(time.Hour) })
		if len(got) != want {
			t.Errorf("got %d keys, want %d", len(got), want)
		}
		for _, key := range got {
			seen[key] = true
		}
	}
	if len(seen) != 600 || s.Len() != 0 {
		t.Errorf("got %d different keys, %d left; want 600 and none", len(seen), s.Len())
	}
}
