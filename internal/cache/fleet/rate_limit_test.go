package fleet_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Turns are counted over the fleet, for each name apart: a burst at once, then one
// after the other as long as they come soon enough; who is refused takes none.
func TestRateLimit(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	brokers := []*broker{join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), k)}
	rate := fleet.Rate{Every: time.Hour, Burst: 3}
	turn := func(n int, within time.Duration, name ...string) (time.Duration, error) {
		return brokers[n%2].Reserve(t.Context(), rate, within, name...)
	}
	for n := range 3 {
		if wait, err := turn(n, 0, "a", "p"); wait != 0 || err != nil {
			t.Errorf("turn %d of the burst: got %v %v, want it at once", n, wait, err)
		}
	}
	for n := range 4 {
		if _, err := turn(n, 59*time.Minute, "a", "p"); !errors.Is(err, cache.ErrLimited) {
			t.Errorf("past the burst: got %v, want %v", err, cache.ErrLimited)
		} else if limited, ok := errors.AsType[*cache.Limited](err); !ok || limited.Wait > time.Hour || limited.Wait < 59*time.Minute {
			t.Errorf("past the burst: got %v, want almost an hour to wait", err)
		}
	}
	for n := range 2 {
		want := time.Duration(n+1) * time.Hour
		if wait, err := turn(n, 3*time.Hour, "a", "p"); err != nil || wait > want || wait < want-time.Minute {
			t.Errorf("waiting turn %d: got %v %v, want almost %v", n, wait, err, want)
		}
	}
	for _, name := range [][]string{{"b", "p"}, {"a", "q"}, {"ap", ""}, {"", "ap"}} {
		if wait, err := turn(0, 0, name...); wait != 0 || err != nil {
			t.Errorf("%q: got %v %v, want it at once", name, wait, err)
		}
	}
	for _, e := range redis.Dump() {
		if life := redis.Client().TTL(t.Context(), e.Key).Val(); e.Type == "string" && strings.HasSuffix(e.Key, ":g") && (life <= 0 || life > 6*time.Hour) {
			t.Errorf("a name lives %v, want until its burst is full", life)
		}
	}
}

// A slot comes back with time.
func TestRateLimitRefills(t *testing.T) {
	redis := redistest.Single(t)
	b := join(t, server(redis.Addr()), newKeys())
	rate := fleet.Rate{Every: 20 * time.Millisecond, Burst: 1}
	for n := range 3 {
		for end := time.Now().Add(time.Minute); ; {
			_, err := b.Reserve(t.Context(), rate, 0, "a")
			if err == nil {
				break
			}
			if !errors.Is(err, cache.ErrLimited) || time.Now().After(end) {
				t.Fatalf("turn %d: got %v, want it within a minute", n, err)
			}
		}
	}
}

// Without Redis nobody knows whether a slot was taken.
func TestRateLimitWithoutRedis(t *testing.T) {
	redis := redistest.Single(t)
	b := join(t, server(redis.Addr()), newKeys())
	redis.Kill()
	if _, err := b.Reserve(t.Context(), fleet.Rate{Every: time.Second, Burst: 1}, 0, "a"); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("got %v, want %v", err, cache.ErrFleet)
	}
}
