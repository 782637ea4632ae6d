package flows

import (
	"strconv"
	"testing"
	"time"
	"unsafe"
)

// When brief fences began is kept of so many identities, and of no more: where there is no room, none
// begins, until earlier ones are long enough ago.
func TestBriefFencesAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b := briefFences{every: briefFenceEvery, last: map[string]time.Time{}}
	for n := range maxBriefFences {
		if !b.begin(strconv.Itoa(n), now) {
			t.Fatalf("the first for identity %d: got none, want it begun", n)
		}
	}
	if b.begin("another", now.Add(briefFenceEvery-1)) || len(b.last) > maxBriefFences {
		t.Errorf("one more: got %d kept, want none begun beyond %d", len(b.last), maxBriefFences)
	}
	if !b.begin("another", now.Add(briefFenceEvery)) || len(b.last) != 1 {
		t.Errorf("when all are long ago: got %d kept, want the new one begun and kept alone", len(b.last))
	}
}

// The identity's text is a request's, whose bytes are used again.
func TestBriefFencesKeepTheirOwnText(t *testing.T) {
	now, text := time.Unix(1_800_000_000, 0), []byte("identity-1")
	b := briefFences{every: briefFenceEvery, last: map[string]time.Time{}}
	b.begin(unsafe.String(&text[0], len(text)), now)
	copy(text, "identity-2")
	if b.begin("identity-1", now) {
		t.Error("the same identity again: got a second fence at once, want none")
	}
}
