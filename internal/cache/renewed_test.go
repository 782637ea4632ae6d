package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// What replaces an entry lives as long as it says, not as long as what it
// replaced.
func TestRenewedEntryHasItsOwnUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		epochs := cache.NewEpochs()
		memory, err := cache.NewMemory(100, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer memory.Close()
		memo, err := cache.NewMemo(100, true)
		if err != nil {
			t.Fatal(err)
		}
		defer memo.Close()
		key, request := cache.NewNamer(nil).Key("d", "k"), memo.Key([]byte("r"), 0, []byte("b"))
		put := func() {
			now := time.Now()
			e := &cache.Entry{Credentials: cache.Credentials{Expires: now.Add(time.Hour)}, Issued: now, Stamp: epochs.Read("i/i")}
			if !memory.Put(key, e) {
				t.Error("got refused, want stored")
			}
			memo.Put(request, now, &cache.MemoCondition{Entry: e, Renewed: true}, []byte("body"))
		}
		put()
		time.Sleep(30 * time.Minute)
		put()
		time.Sleep(31 * time.Minute)
		if _, ok := memory.Get(key); !ok {
			t.Error("memory, 31 minutes after the second hour began: got a miss, want the entry")
		}
		if body, _, _ := memo.Get(request, time.Now()); body == nil {
			t.Error("memo, 31 minutes after the second hour began: got a miss, want the answer")
		}
	})
}
