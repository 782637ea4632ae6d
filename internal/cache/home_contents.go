package cache

import (
	"slices"
	"sync"
)

// A caller can choose what his entries are called: the session names, durations and
// roles of the classic flow, and the spelling of a request, are his. So what is kept
// is bounded for each home scope, which is the first scope of an entry's stamp: an identity,
// or a login. Where there is more, the oldest is dropped.
const (
	// MaxEntries is how many entries with one home scope are kept.
	MaxEntries = 64
	// MaxAnswers is how many answers made from entries with one home scope are kept.
	MaxAnswers = 256
)

// homeContents are the keys of what was kept last with one home scope, in the order in which it was.
// What was dropped since for other reasons may be among them. It is safe for concurrent
// use.
type homeContents struct {
	mu      sync.Mutex
	entries []Key
	answers []MemoKey
}

// addEntry notes an entry, and returns the keys of those that it displaces.
func (k *homeContents) addEntry(key Key) []Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return moveToEnd(&k.entries, key, MaxEntries)
}

// addAnswer is entry for answers.
func (k *homeContents) addAnswer(key MemoKey) []MemoKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return moveToEnd(&k.answers, key, MaxAnswers)
}

// moveToEnd moves key to the end of keys, of which there are at most so many, and returns
// those that were cut off at the beginning.
func moveToEnd[K comparable](keys *[]K, key K, most int) (gone []K) {
	if i := slices.Index(*keys, key); i >= 0 {
		*keys = slices.Delete(*keys, i, i+1)
	}
	*keys = append(*keys, key)
	if over := len(*keys) - most; over > 0 {
		gone = slices.Clone((*keys)[:over])
		*keys = slices.Delete(*keys, 0, over)
	}
	return gone
}
