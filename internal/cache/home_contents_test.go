package cache_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

// entryOf is an entry whose home scope is that identity.
func entryOf(e *cache.Epochs, id string, life time.Duration) *cache.Entry {
	return &cache.Entry{
		Credentials: cache.Credentials{IdentityID: id, Expires: start.Add(life)}, Issued: start,
		Stamp: e.Read(cache.IdentityScope(id), "p/p"),
	}
}

// Whatever is stored, and in whichever order, each home scope keeps those that were stored
// last, MaxEntries of them, and takes nothing from any other.
func TestMemoryIsBoundedByHome(t *testing.T) {
	names := cache.NewNamer(nil)
	rapid.Check(t, func(t *rapid.T) {
		epochs := cache.NewEpochs()
		m, err := cache.NewMemory(100_000, func() time.Time { return start })
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		newest := map[string][]int{} // by home scope, the numbers of its entries, last stored last
		life := time.Hour
		store := func(home string, n int) {
			life += time.Second // within one epoch the later expiry wins
			if !m.Put(names.Key("d", home, fmt.Sprint(n)), entryOf(epochs, home, life)) {
				t.Fatalf("%s %d: got refused, want stored", home, n)
			}
			for i, old := range newest[home] {
				if old == n {
					newest[home] = append(newest[home][:i:i], newest[home][i+1:]...)
					break
				}
			}
			newest[home] = append(newest[home], n)
		}
		store("victim", 0)
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			for n := range rapid.IntRange(1, 2*cache.MaxEntries).Draw(t, "many") {
				store("many", n)
			}
			store("some", rapid.IntRange(0, 3).Draw(t, "some"))
			store("many", rapid.IntRange(0, 2*cache.MaxEntries).Draw(t, "again"))
		}
		for home, stored := range newest {
			for i, n := range stored {
				_, got := m.Get(names.Key("d", home, fmt.Sprint(n)))
				if want := i >= len(stored)-cache.MaxEntries; got != want {
					t.Fatalf("%s: entry %d of %d from the first: got kept %v, want %v", home, i, len(stored), got, want)
				}
			}
		}
	})
}

// What gave way in memory comes back as any other, and the bound holds at once.
func TestMemoryKeepsWhatComesBack(t *testing.T) {
	epochs, names := cache.NewEpochs(), cache.NewNamer(nil)
	m, err := cache.NewMemory(100_000, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	key := func(n int) cache.Key { return names.Key("d", fmt.Sprint(n)) }
	for n := range 10 * cache.MaxEntries {
		m.Put(key(n), entryOf(epochs, "x", time.Hour))
		if got := m.Len(); got > cache.MaxEntries {
			t.Fatalf("after %d: got %d entries, want %d at most", n+1, got, cache.MaxEntries)
		}
	}
	if _, ok := m.Get(key(0)); ok {
		t.Error("the first: got kept, want it to give way")
	}
	m.Put(key(0), entryOf(epochs, "x", time.Hour))
	if _, ok := m.Get(key(0)); !ok {
		t.Error("the first, stored again: got nothing, want it kept")
	}
}

// A caller can spell one request in any number of ways: the answers to them push out
// one another, and nobody else's.
func TestMemoIsBoundedByHome(t *testing.T) {
	epochs := cache.NewEpochs()
	memo, err := cache.NewMemo(100_000, true)
	if err != nil {
		t.Fatal(err)
	}
	defer memo.Close()
	put := func(e *cache.Entry, body string) cache.MemoKey {
		key := memo.Key([]byte("r"), 0, []byte(body))
		memo.Put(key, start, &cache.MemoCondition{Entry: e}, []byte("answer"))
		return key
	}
	answered := func(key cache.MemoKey) bool { body, _, _ := memo.Get(key, start); return body != nil }
	victim := put(entryOf(epochs, "victim", time.Hour), "victim")
	entries := []*cache.Entry{entryOf(epochs, "x", time.Hour), entryOf(epochs, "x", time.Hour)}
	keys := make([]cache.MemoKey, 4*cache.MaxAnswers)
	for n := range keys {
		keys[n] = put(entries[n%len(entries)], fmt.Sprint("x", n))
	}
	kept := 0
	for _, key := range keys {
		if answered(key) {
			kept++
		}
	}
	if kept != cache.MaxAnswers {
		t.Errorf("got %d answers of one home, want %d", kept, cache.MaxAnswers)
	}
	put(entryOf(epochs, "x", 0), "of an entry that has expired")
	if !answered(keys[len(keys)-cache.MaxAnswers]) {
		t.Error("got the oldest answer pushed out by one that is none, want it kept")
	}
	if !answered(keys[len(keys)-1]) || !answered(victim) {
		t.Error("got the last answer, or another home's, pushed out; want both kept")
	}
}

// An answer that was made from an entry which rests on nothing is none.
func TestMemoOfNothing(t *testing.T) {
	memo, err := cache.NewMemo(10, true)
	if err != nil {
		t.Fatal(err)
	}
	defer memo.Close()
	key := memo.Key([]byte("r"), 0, []byte("b"))
	memo.Put(key, start, &cache.MemoCondition{Entry: &cache.Entry{Credentials: cache.Credentials{Expires: start.Add(time.Hour)}}}, []byte("answer"))
	if body, _, guard := memo.Get(key, start); body != nil || guard != nil {
		t.Error("got an answer, want none")
	}
}
