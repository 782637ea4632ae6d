package cache_test

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// What is asked for while a fence is open is a miss in both tiers, and is there again when
// the fence was cancelled; when it ended otherwise, it is gone.
func TestSuspended(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(alone)
		again bool
	}{
		"cancelled": {func(f alone) { f.Cancel() }, true},
		"done":      {func(f alone) { f.Done() }, false},
		"left":      {func(f alone) { f.LeavePending() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			e, now := cache.NewEpochs(), time.Now()
			memory, err := cache.NewMemory(10, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer memory.Close()
			memo, err := cache.NewMemo(10, true)
			if err != nil {
				t.Fatal(err)
			}
			defer memo.Close()
			key, asked := cache.Key{1}, memo.Key([]byte("route"), 0, []byte("body"))
			entry := &cache.Entry{Issued: now, Stamp: e.Read("i/x", "c/p"), Credentials: cache.Credentials{Expires: now.Add(time.Hour)}}
			memory.Put(key, entry)
			memo.Put(asked, now, &cache.MemoCondition{Entry: entry}, []byte("answer"))
			served := func() (inMemory, inMemo bool) {
				_, inMemory = memory.Get(key)
				body, _, _ := memo.Get(asked, now)
				return inMemory, body != nil
			}
			f := fence(e, "i/x")
			if inMemory, inMemo := served(); inMemory || inMemo {
				t.Errorf("under the fence: got it from memory %v, from the memo %v; want neither", inMemory, inMemo)
			}
			memo.DropStale(asked, now)
			if !memory.Suspended(key, time.Hour) {
				t.Error("under the fence: got the entry gone, want it suspended")
			}
			if memory.Suspended(key, 0) {
				t.Error("got it suspended for a fence that is older than asked for")
			}
			c.end(f)
			if inMemory, inMemo := served(); inMemory != c.again || inMemo != c.again {
				t.Errorf("afterwards: got it from memory %v, from the memo %v; want %v", inMemory, inMemo, c.again)
			}
			if memory.Suspended(key, time.Hour) {
				t.Error("afterwards: got the entry suspended still")
			}
		})
	}
}
