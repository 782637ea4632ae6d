package cache_test

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// hourly is an entry of an hour whose renewal is due after 36 minutes.
func hourly() *cache.Entry {
	return &cache.Entry{Issued: start, Jitter: 0.5, Credentials: cache.Credentials{Expires: start.Add(time.Hour)}}
}

func TestUsageDue(t *testing.T) {
	const m = time.Minute
	large := cache.Usage{Serves: 1, ServedAt: start, Floor: 51 * m}
	for name, c := range map[string]struct {
		use    cache.Usage
		tokens time.Duration // until they expire; 0: never
		want   time.Duration
	}{
		"no tokens":                    {want: 36 * m},
		"they last":                    {tokens: 37 * m, want: 36 * m},
		"they expire in the window":    {tokens: 36*m + 30*time.Second, want: 35*m + 30*time.Second},
		"as it begins":                 {tokens: 33*m + 30*time.Second, want: 33 * m},
		"before it begins":             {tokens: 32 * m, want: 36 * m},
		"a large floor":                {use: large, want: 48*m + 30*time.Second},
		"a large floor, they expire":   {use: large, tokens: 48 * m, want: 48*m + 30*time.Second},
		"a floor that is not so large": {use: cache.Usage{Serves: 1, ServedAt: start, Floor: 24 * m}, want: 36 * m},
	} {
		t.Run(name, func(t *testing.T) {
			var tokens time.Time
			if c.tokens != 0 {
				tokens = start.Add(c.tokens)
			}
			if got := c.use.Due(hourly(), tokens).Sub(start); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestUsageWanted(t *testing.T) {
	const m = time.Minute
	now := start.Add(36 * m)
	for name, c := range map[string]struct {
		use  cache.Usage
		want bool
	}{
		"never asked for":    {cache.Usage{}, false},
		"once, long ago":     {cache.Usage{Serves: 1, ServedAt: start, AskedAt: start}, false},
		"twice, long ago":    {cache.Usage{Serves: 2, ServedAt: start, AskedAt: start}, true},
		"what it renewed":    {cache.Usage{AskedAt: now.Add(-20 * m)}, true},
		"that, longer ago":   {cache.Usage{AskedAt: now.Add(-20*m - time.Second)}, false},
		"expected back":      {cache.Usage{Serves: 1, ServedAt: start, AskedAt: start, Floor: 51 * m}, true},
		"expected no longer": {cache.Usage{AskedAt: start}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.use.Wanted(now, time.Hour, 20*m); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// What was told of an entry that another replaced says only when it was asked for.
func TestSharedUsageOf(t *testing.T) {
	e, other := hourly(), hourly()
	other.Issued = start.Add(-30 * time.Minute)
	told := cache.SharedUsage{Issued: e.Issued, NotBefore: start.Add(50 * time.Minute), Usage: cache.Usage{Serves: 2, AskedAt: start, Floor: time.Minute}}
	if use, notBefore := told.UsageOf(e); use != told.Usage || !notBefore.Equal(told.NotBefore) {
		t.Errorf("got %+v, want what was told", use)
	}
	if use, notBefore := told.UsageOf(other); use != (cache.Usage{AskedAt: start}) || !notBefore.IsZero() {
		t.Errorf("of another: got %+v not before %v, want when it was asked for only", use, notBefore)
	}
	if got := told.NextRenewal(e, time.Time{}); !got.Equal(told.NotBefore) {
		t.Errorf("next: got %v, want %v", got, told.NotBefore)
	}
}
