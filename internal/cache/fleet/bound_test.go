package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// keep stores an entry of an identity under a name of its own.
func (b *broker) keep(t testing.TB, id, name string, life time.Duration) {
	t.Helper()
	stamp, err := b.Stamp(t.Context(), b.epochs.Read(cache.IdentityScope(id), pool))
	if err != nil {
		t.Fatal(err)
	}
	e := &cache.Entry{Issued: time.Now(), Stamp: stamp, Credentials: cache.Credentials{IdentityID: id, Expires: time.Now().Add(life)}}
	if err := b.Store(t.Context(), keyOf(name), e); err != nil {
		t.Fatal(err)
	}
}

// keeps reports whether an entry of an identity is there.
func (b *broker) keeps(t testing.TB, id, name string) bool {
	t.Helper()
	found, err := b.Find(t.Context(), keyOf(name), b.epochs.Read(cache.IdentityScope(id), pool), b.epochs.Read, false)
	if err != nil {
		t.Fatal(err)
	}
	return found.Entry != nil
}

// names counts the names in Redis that match a pattern.
func names(t testing.TB, s *redistest.Server, pattern string) int {
	t.Helper()
	all, err := s.Client().Keys(t.Context(), pattern).Result()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// However many entries an identity is given, those that were stored last are there, and
// no more. Nobody else loses any.
func TestEntriesAreBoundedByHome(t *testing.T) {
	t.Parallel()
	s, k := redistest.Single(t), newKeys()
	a := join(t, server(s.Addr()), k).leased(t)
	a.keep(t, "victim", "victim", time.Hour)
	const many = 3 * cache.MaxEntries
	name := func(n int) string { return fmt.Sprint("session ", n) }
	for n := range many {
		life := 12 * time.Hour
		if n%2 == 1 {
			life = time.Hour // neither does a longer life stay longer
		}
		a.keep(t, "x", name(n), life)
		if got := names(t, s, "b2:*:c:*") - 1; got > cache.MaxEntries {
			t.Fatalf("after %d: got %d entries, want %d at most", n+1, got, cache.MaxEntries)
		}
	}
	for n := range many {
		if got, want := a.keeps(t, "x", name(n)), n >= many-cache.MaxEntries; got != want {
			t.Errorf("entry %d of %d: got kept %v, want %v", n, many, got, want)
		}
	}
	if !a.keeps(t, "victim", "victim") {
		t.Error("another identity's entry: got nothing, want it kept")
	}
	sets := s.Client().Keys(t.Context(), "b2:*:e").Val()
	for _, set := range sets {
		if left := s.Client().PTTL(t.Context(), set).Val(); left < time.Hour-time.Minute || left > 12*time.Hour {
			t.Errorf("the set of entries: got one that stands for %v, want as long as the longest entry", left)
		}
	}
	if len(sets) != 2 {
		t.Errorf("got %d sets of entries, want one of each identity", len(sets))
	}
}

// An entry that is stored again is the newest, and no second one.
func TestEntryThatIsStoredAgain(t *testing.T) {
	s, k := redistest.Single(t), newKeys()
	a := join(t, server(s.Addr()), k).leased(t)
	for n := range 3 * cache.MaxEntries {
		a.keep(t, "x", "again", time.Hour+time.Duration(n)*time.Second) // the later expiry wins
	}
	for n := range cache.MaxEntries - 1 {
		a.keep(t, "x", fmt.Sprint("other ", n), time.Hour)
		a.keep(t, "x", "again", 3*time.Hour+time.Duration(n)*time.Second)
	}
	if got := names(t, s, "b2:*:c:*"); got != cache.MaxEntries {
		t.Errorf("got %d entries, want %d", got, cache.MaxEntries)
	}
	if !a.keeps(t, "x", "again") {
		t.Error("the entry that is stored again and again: got nothing, want it kept")
	}
}

// What is dropped is not renewed either: what that needs goes with it, and its place
// among those that are renewed is free.
func TestEvictedEntryIsNotRenewed(t *testing.T) {
	s, k := redistest.Single(t), newKeys()
	a := join(t, server(s.Addr()), k).leased(t)
	stamp, err := a.Stamp(t.Context(), a.epochs.Read(cache.IdentityScope("x"), pool))
	if err != nil {
		t.Fatal(err)
	}
	store := func(name string) {
		now := time.Now()
		e := &cache.Entry{Issued: now, Stamp: stamp, Credentials: cache.Credentials{IdentityID: "x", Expires: now.Add(time.Hour)}}
		if err := a.Store(t.Context(), keyOf(name), e); err != nil {
			t.Fatal(err)
		}
		if _, err := a.ReportUsage(t.Context(), []cache.UsageReport{once(name, e, now)}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 16 {
		store(fmt.Sprint("first ", n))
	}
	for n := range cache.MaxEntries + 1 {
		a.keep(t, "x", fmt.Sprint("later ", n), time.Hour)
	}
	if got := requests(t, s) + names(t, s, "b2:*:u"); got != 0 {
		t.Errorf("got %d names of what gave way, want none", got)
	}
	store("last")
	if got := requests(t, s); got != 1 {
		t.Errorf("got %d entries that are renewed, want the last", got)
	}
}

// A set that is far larger than the bound, as no broker of this version makes it,
// comes within it by few at a time.
func TestTooManyEntriesShrinkToTheBound(t *testing.T) {
	s, k := redistest.Single(t), newKeys()
	a := join(t, server(s.Addr()), k).leased(t)
	a.keep(t, "x", "first", time.Hour)
	set := s.Client().Keys(t.Context(), "b2:*:e").Val()[0]
	const many = 1000
	for n := range many {
		s.Client().ZAdd(t.Context(), set, z(float64(n), fmt.Sprint("earlier ", n)))
	}
	work := commands(t, s, func() { a.keep(t, "x", "second", time.Hour) })
	if got := s.Client().ZCard(t.Context(), set).Val(); got >= many+1 || got < many-10 {
		t.Errorf("got a set of %d, want few to have given way of %d", got, many+2)
	}
	if work > 100 {
		t.Errorf("got %d commands to store one entry, want a few", work)
	}
}
