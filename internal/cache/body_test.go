package cache_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// heap is what is in use of it.
func heap() int {
	for range 2 { // what is cleaned up in the first is free in the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// tokenOf is a session token of a usual size, a string of its own.
func tokenOf(n int) string { return fmt.Sprintf("%08d", n) + strings.Repeat("t", 1282) }

// An answer is given again byte for byte, whatever the session token looks like in it.
func TestMemoGivesTheSameBytes(t *testing.T) {
	for name, c := range map[string]struct{ token, body string }{
		"once":         {"token", `{"a":"b","t":"token","e":1}`},
		"twice":        {"token", `{"a":"token","t":"token"}`},
		"spelt apart":  {`to"ken`, `{"t":"to\"ken"}`},
		"none":         {"", `{"a":"b"}`},
		"nothing else": {"token", "token"},
		"no body":      {"token", ""},
	} {
		t.Run(name, func(t *testing.T) {
			memo, err := cache.NewMemo(10, true)
			if err != nil {
				t.Fatal(err)
			}
			defer memo.Close()
			e := entry(cache.NewEpochs(), time.Hour)
			e.Credentials.SessionToken = c.token
			given := []byte(c.body)
			key := memo.Key([]byte("r"), 0, given)
			memo.Put(key, start, &cache.MemoCondition{Entry: e}, given)
			clear(given) // the memo has a copy
			body, _, _ := memo.Get(key, start)
			if body == nil {
				t.Fatal("got nothing, want the answer")
			}
			if got := string(body.AppendTo([]byte("before "))); got != "before "+c.body {
				t.Errorf("got %q, want %q", got, "before "+c.body)
			}
		})
	}
}

// The memo keeps no session token beside the entry's.
func TestMemoKeepsTokensOnce(t *testing.T) {
	const count, most = 2000, 900
	memo, err := cache.NewMemo(count, true)
	if err != nil {
		t.Fatal(err)
	}
	defer memo.Close()
	epochs, bodies, entries := cache.NewEpochs(), make([][]byte, count), make([]*cache.Entry, count)
	for n := range entries {
		entries[n] = entryOf(epochs, fmt.Sprint(n), time.Hour)
		entries[n].Credentials.SessionToken = tokenOf(n)
		bodies[n] = fmt.Appendf(nil, `{"IdentityId":"%0150d","SessionToken":"%s"}`, n, tokenOf(n))
	}
	before := heap()
	for n, e := range entries {
		memo.Put(memo.Key([]byte("r"), 0, fmt.Append(nil, n)), start, &cache.MemoCondition{Entry: e}, bodies[n])
	}
	if got := (heap() - before) / count; got > most {
		t.Errorf("got %d bytes for an answer of %d, want at most %d", got, len(bodies[0]), most)
	}
	runtime.KeepAlive(entries)
	runtime.KeepAlive(bodies)
}
