package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func entry(e *cache.Epochs, life time.Duration) *cache.Entry {
	return &cache.Entry{
		Credentials: cache.Credentials{IdentityID: "i", SecretKey: "the-secret", SessionToken: "the-session", Expires: start.Add(life)},
		Issued:      start, Stamp: e.Read("i/i", "p/p"),
	}
}

// The same bytes in other fields are another key.
func TestKeysNeverCollide(t *testing.T) {
	n := cache.NewNamer(nil)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(2, 20, -1).Draw(t, "text")
		cut := func(label string) []string {
			at := rapid.IntRange(0, len(text)).Draw(t, label)
			return []string{text[:at], text[at:]}
		}
		a, b := cut("a"), cut("b")
		if got, want := n.Key("d", a...) == n.Key("d", b...), a[0] == b[0]; got != want {
			t.Fatalf("keys of %q and %q equal: got %v, want %v", a, b, got, want)
		}
		if n.Key("d", a...) == n.Key("d", text) || n.Key("d"+cache.Domain(a[0]), a[1]) == n.Key("d", a...) {
			t.Fatalf("keys of %q in fewer fields are equal", a)
		}
		if n.Key(cache.DomainGuest, a...) == n.Key(cache.DomainLogin, a...) {
			t.Fatalf("keys of two domains are equal for %q", a)
		}
	})
}

func TestMemoryWritesByStamp(t *testing.T) {
	now := start
	epochs := cache.NewEpochs()
	m, err := cache.NewMemory(100, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	key := cache.NewNamer(nil).Key("d", "k")
	long, short := entry(epochs, time.Hour), entry(epochs, time.Minute)
	if !m.Put(key, long) || m.Put(key, short) {
		t.Error("within one epoch the later expiry wins: it did not")
	}
	if got, ok := m.Get(key); !ok || got != long {
		t.Errorf("got %v %v, want the long-lived entry", got, ok)
	}
	fence(epochs, "i/i").Done()
	if _, ok := m.Get(key); ok {
		t.Error("after a fence: got a hit, want a miss")
	}
	if m.Put(key, long) {
		t.Error("an entry of a passed epoch: got stored, want refused")
	}
	fresh := entry(epochs, time.Minute)
	if !m.Put(key, fresh) {
		t.Error("an entry of the present epoch beside a fenced one: got refused, want stored")
	}
	now = start.Add(time.Minute)
	if _, ok := m.Get(key); ok {
		t.Error("at expiry: got a hit, want a miss")
	}
	now = start
	passed := entry(epochs, time.Hour)
	m.Put(key, passed)
	fence(epochs, "i/i").Done()
	if shorter := entry(epochs, time.Second); !m.Put(key, shorter) {
		t.Error("an entry in the place of one that was ended, and would have lived longer: got refused, want stored")
	}
	if m.Drop(key, passed); m.Len() != 1 {
		t.Error("whoever drops the entry that was there before: got the present one dropped, want it kept")
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := entry(cache.NewEpochs(), time.Hour).Credentials
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, c); strings.Contains(text, "the-se") {
			t.Errorf("%s prints a secret", format)
		}
	}
}

func TestDue(t *testing.T) {
	hour := start.Add(time.Hour)
	for name, c := range map[string]struct {
		handedOut time.Time
		floor     time.Duration
		jitter    float64
		want      time.Duration
	}{
		"default floor, earliest":    {start, 20 * time.Minute, 0, 33 * time.Minute},
		"default floor, latest":      {start, 20 * time.Minute, 0.999999999, 39 * time.Minute},
		"24 minutes are 40 %":        {start.Add(time.Minute), 24 * time.Minute, 0, 33 * time.Minute},
		"just over 40 %":             {start.Add(time.Minute), 25 * time.Minute, 0, 25 * time.Minute},
		"over 40 %: by the hand-out": {start, 51 * time.Minute, 0, 50 * time.Minute},
		"over 40 %, most jitter":     {start, 51 * time.Minute, 0.999999999, 47 * time.Minute},
		"over 40 %, later hand-out":  {start.Add(5 * time.Minute), 51 * time.Minute, 0, 55 * time.Minute},
		"never past expiry":          {start.Add(30 * time.Minute), 51 * time.Minute, 0, time.Hour},
		"over 40 %, never handed":    {time.Time{}, 51 * time.Minute, 0, 33 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			got := cache.Due(start, hour, c.handedOut, c.floor, c.jitter).Sub(start).Round(time.Second)
			if got != c.want {
				t.Errorf("due after: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestFlightsShareByKeyAndEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f cache.Flights[int]
		epochs := cache.NewEpochs()
		key := cache.NewNamer(nil).Key("d", "k")
		var runs atomic.Int32
		release := make(chan struct{})
		work := func(context.Context) (int, error) { <-release; return int(runs.Add(1)), nil }
		ask := func(stamp cache.Stamp) {
			if _, _, err := f.Do(t.Context(), key, stamp, time.Minute, work); err != nil {
				t.Errorf("got %v, want no error", err)
			}
		}
		before := epochs.Read("i/i")
		for range 10 {
			go ask(before)
		}
		synctest.Wait()
		fence(epochs, "i/i").Done()
		for range 10 {
			go ask(epochs.Read("i/i"))
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		if got := runs.Load(); got != 2 {
			t.Errorf("runs for askers before and after a fence: got %d, want 2", got)
		}
	})
}

func TestFlightsOutliveTheirAskers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f cache.Flights[int]
		stamp := cache.NewEpochs().Read("i/i")
		key := cache.Key{1}
		work := func(ctx context.Context) (int, error) {
			select {
			case <-time.After(10 * time.Second):
				return 7, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			if _, _, err := f.Do(impatient, key, stamp, time.Minute, work); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient asker: got %v, want his deadline", err)
			}
		}()
		synctest.Wait()
		if got, led, err := f.Do(t.Context(), key, stamp, time.Minute, work); got != 7 || led || err != nil {
			t.Errorf("the patient asker: got %d %v %v, want 7 false nil", got, led, err)
		}
		_, _, err := f.Do(t.Context(), key, stamp, time.Second, work)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("work over its limit: got %v, want its deadline", err)
		}
		_, _, err = f.Do(t.Context(), key, stamp, time.Second, func(context.Context) (int, error) { panic("boom") })
		if !errors.Is(err, cache.ErrPanicked) {
			t.Errorf("work that panics: got %v, want ErrPanicked", err)
		}
	})
}

// A tier of no entries keeps nothing.
func TestOff(t *testing.T) {
	epochs, key := cache.NewEpochs(), cache.NewNamer(nil).Key("d", "k")
	m, err := cache.NewMemory(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	e := entry(epochs, 100*365*24*time.Hour)
	if m.Put(key, e) || m.Len() != 0 || !m.Off() {
		t.Error("memory: got an entry kept, want none")
	}
	m.Drop(key, e)
	if _, ok := m.Get(key); ok {
		t.Error("memory: got a hit, want a miss")
	}
}

type switchable struct{ off bool }

func (s *switchable) Holds(time.Time) bool { return !s.off }

func TestMemoHoldsOnlyWhileItsConditionDoes(t *testing.T) {
	epochs := cache.NewEpochs()
	memo, err := cache.NewMemo(100, true)
	if err != nil {
		t.Fatal(err)
	}
	key := memo.Key([]byte("target"), 1, []byte("body"))
	for _, other := range []cache.MemoKey{
		memo.Key([]byte("target"), 2, []byte("body")), memo.Key([]byte("targe"), 1, []byte("tbody")), memo.Key([]byte("target"), 1, []byte("bodyx")),
	} {
		if other == key {
			t.Error("another request has the same key")
		}
	}
	proof := &switchable{}
	put := func() *cache.Entry {
		e := entry(epochs, time.Hour)
		memo.Put(key, start, &cache.MemoCondition{Entry: e, Floor: 20 * time.Minute, Proofs: []cache.Proof{proof}, Renewed: true}, []byte("answer"))
		return e
	}
	get := func(at time.Duration) bool { body, _, _ := memo.Get(key, start.Add(at)); return body != nil }
	e := put()
	if !get(time.Minute) || !e.LastServed().Equal(start.Add(time.Minute)) {
		t.Error("within all limits: got a miss or no note of the hand-out, want a hit")
	}
	if get(33 * time.Minute) {
		t.Error("when renewal is due: got a hit, want the full path")
	}
	put()
	proof.off = true
	if get(time.Minute) {
		t.Error("with a proof that stopped holding: got a hit, want a miss")
	}
	proof.off = false
	put()
	fence(epochs, "p/p").Done()
	if get(time.Minute) {
		t.Error("after a fence of the pool: got a hit, want a miss")
	}
}

func TestMemoGetAllocatesNothing(t *testing.T) {
	memo, err := cache.NewMemo(100, true)
	if err != nil {
		t.Fatal(err)
	}
	e := entry(cache.NewEpochs(), time.Hour)
	route, body := []byte("t"), make([]byte, 1600)
	memo.Put(memo.Key(route, 0, body), start, &cache.MemoCondition{Entry: e, Proofs: []cache.Proof{&switchable{}}}, []byte("answer"))
	got := testing.AllocsPerRun(1000, func() {
		if body, _, _ := memo.Get(memo.Key(route, 0, body), start); body == nil {
			t.Fatal("got a miss, want a hit")
		}
	})
	if got > 1 { // the race detector's pool drops items at random
		t.Errorf("allocations for a hit: got %v, want at most 1", got)
	}
}
