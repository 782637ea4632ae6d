package cache_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
)

// Each fence counts once, as it ended first.
func TestFencesAreCounted(t *testing.T) {
	e := cache.NewEpochs()
	begin := func() *cache.Fence {
		t.Helper()
		f, err := e.Fence(t.Context(), "i/x")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	done, cancelled, left := begin(), begin(), begin()
	begin()
	if got, want := e.Fences(), (cache.FenceCounts{Open: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range 2 {
		_, _ = done.Done()
		cancelled.Cancel()
		left.LeavePending()
	}
	cancelled.LeavePending()
	if got, want := e.Fences(), (cache.FenceCounts{Open: 1, Done: 1, Cancelled: 1, LeftPending: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
