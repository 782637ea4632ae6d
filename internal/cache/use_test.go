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

func TestUseDue(t *testing.T) {
	const m = time.Minute
	large := cache.Use{HandOuts: 1, HandedOut: start, Floor: 51 * m}
	for name, c := range map[string]struct {
		use    cache.Use
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
		"a floor that is not so large": {use: cache.Use{HandOuts: 1, HandedOut: start, Floor: 24 * m}, want: 36 * m},
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

func TestUseWanted(t *testing.T) {
	const m = time.Minute
	now := start.Add(36 * m)
	for name, c := range map[string]struct {
		use  cache.Use
		want bool
	}{
		"never asked for":    {cache.Use{}, false},
		"once, long ago":     {cache.Use{HandOuts: 1, HandedOut: start, Asked: start}, false},
		"twice, long ago":    {cache.Use{HandOuts: 2, HandedOut: start, Asked: start}, true},
		"what it renewed":    {cache.Use{Asked: now.Add(-20 * m)}, true},
		"that, longer ago":   {cache.Use{Asked: now.Add(-20*m - time.Second)}, false},
		"expected back":      {cache.Use{HandOuts: 1, HandedOut: start, Asked: start, Floor: 51 * m}, true},
		"expected no longer": {cache.Use{Asked: start}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.use.Wanted(now, time.Hour, 20*m); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// What was told of an entry that another replaced says only when it was asked for.
func TestToldOf(t *testing.T) {
	e, other := hourly(), hourly()
	other.Issued = start.Add(-30 * time.Minute)
	told := cache.Told{Issued: e.Issued, NotBefore: start.Add(50 * time.Minute), Use: cache.Use{HandOuts: 2, Asked: start, Floor: time.Minute}}
	if use, notBefore := told.Of(e); use != told.Use || !notBefore.Equal(told.NotBefore) {
		t.Errorf("got %+v, want what was told", use)
	}
	if use, notBefore := told.Of(other); use != (cache.Use{Asked: start}) || !notBefore.IsZero() {
		t.Errorf("of another: got %+v not before %v, want when it was asked for only", use, notBefore)
	}
	if got := told.Next(e, time.Time{}); !got.Equal(told.NotBefore) {
		t.Errorf("next: got %v, want %v", got, told.NotBefore)
	}
}
