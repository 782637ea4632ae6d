package cache_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

func TestStampEndsWithItsScopes(t *testing.T) {
	e := cache.NewEpochs()
	a, b := cache.IdentityScope("a"), cache.PoolScope("b")
	stamp := e.Read(a, b)
	if !stamp.Valid() {
		t.Fatal("a fresh stamp: got invalid, want valid")
	}
	if fence(e, cache.IdentityScope("other")).Done(); !stamp.Valid() {
		t.Error("after a fence elsewhere: got invalid, want valid")
	}
	change := fence(e, b)
	if stamp.Valid() {
		t.Error("while a fence is open: got valid, want invalid")
	}
	if during := e.Read(a, b); during.Valid() {
		t.Error("a stamp read while a fence is open: got valid, want invalid")
	}
	after := change.Done()
	if stamp.Valid() {
		t.Error("after the fence: got valid, want invalid")
	}
	if !after.Valid() || !e.Read(a, b).Valid() {
		t.Error("stamps of the new epoch: got invalid, want valid")
	}
	if change.Done().Valid() {
		t.Error("a second Done: got a valid stamp, want none")
	}
	if (cache.Stamp{}).Valid() || cache.JoinStamps(after, cache.Stamp{}).Valid() ||
		cache.JoinStamps(cache.Stamp{}, after).Valid() {
		t.Error("a stamp of nothing: got valid, want invalid")
	}
}

// A change that changed nothing gives back what it fenced, if nothing else did
// change meanwhile.
func TestCancelledFence(t *testing.T) {
	e := cache.NewEpochs()
	a, b := cache.IdentityScope("a"), cache.PoolScope("b")
	stamp := e.Read(a, b)
	change := fence(e, a, b)
	during := e.Read(a)
	change.Cancel()
	if !stamp.Valid() || during.Valid() {
		t.Errorf("after Cancel: got %v for what was there before and %v for what came meanwhile, want true and false", stamp.Valid(), during.Valid())
	}
	change.Cancel()
	if change.Done().Valid() || !stamp.Valid() {
		t.Error("Done after Cancel: got an effect, want none")
	}
	for name, c := range map[string]struct {
		overlap func(outer, inner alone)
		again   bool // what was valid before is so again
	}{
		"inside a change":      {func(outer, inner alone) { inner.Cancel(); outer.Done() }, false},
		"around a change":      {func(outer, inner alone) { inner.Done(); outer.Cancel() }, false},
		"before a change ends": {func(outer, inner alone) { outer.Cancel(); inner.Done() }, false},
		"an unknown outcome":   {func(outer, inner alone) { inner.LeavePending(); outer.Cancel() }, false},
		"two of nothing":       {func(outer, inner alone) { inner.Cancel(); outer.Cancel() }, true},
		"two that cross":       {func(outer, inner alone) { outer.Cancel(); inner.Cancel() }, true},
	} {
		stamp := e.Read(a)
		outer := fence(e, a)
		inner := fence(e, a)
		c.overlap(outer, inner)
		if stamp.Valid() != c.again {
			t.Errorf("%s: the old stamp is valid: got %v, want %v", name, stamp.Valid(), c.again)
		}
		if !e.Read(a).Valid() {
			t.Errorf("%s: got no valid epoch at the end", name)
		}
	}
}

func TestOverlappingFencesLeaveNoStamp(t *testing.T) {
	e := cache.NewEpochs()
	scope := cache.IdentityScope("a")
	first := fence(e, scope)
	second := fence(e, scope)
	if second.Done().Valid() {
		t.Error("Done inside another fence: got a valid stamp, want none")
	}
	if e.Read(scope).Valid() {
		t.Error("with one fence still open: got valid, want invalid")
	}
	if first.Done().Valid() {
		t.Error("Done after another fence began and ended: got a valid stamp, want none")
	}
	if !e.Read(scope).Valid() {
		t.Error("with all fences done: got invalid, want valid")
	}
}

// What a change of several scopes brought is the newest of none of them if another change of one came
// within it.
func TestFenceThatIsOverlappedInPart(t *testing.T) {
	scopes := []cache.Scope{"i/a", "l/b", "p/c"}
	for _, scope := range scopes {
		e := cache.NewEpochs()
		f := fence(e, scopes...)
		fence(e, scope).Done()
		if f.Done().Valid() {
			t.Errorf("another change of %s within the fence: got a valid stamp, want none", scope)
		}
	}
}

// A scope that nothing refers to is forgotten; what is made anew matches nothing
// that came before.
func TestForgottenScopesNeverMatch(t *testing.T) {
	e := cache.NewEpochs()
	kept := e.Read(cache.IdentityScope("kept"))
	for range 3 {
		runtime.GC()
	}
	fence(e, cache.IdentityScope("kept")).Done()
	if kept.Valid() {
		t.Error("a held stamp after collection and a fence: got valid, want invalid")
	}
}

// No interleaving of fences lets a stamp read before a fence ended stay valid after it;
// while fences are open nothing is valid, and when all of them were cancelled, what was
// valid before is so again.
func TestFenceProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := cache.NewEpochs()
		scopes := []cache.Scope{"x", "y", "z"}
		type read struct {
			scope  cache.Scope
			stamp  cache.Stamp
			lasted bool // no fence was open, and none ended since
		}
		var reads []*read
		open := map[cache.Scope][]alone{}
		spoilt := map[cache.Scope]bool{} // one of those that overlap was not cancelled
		end := func(t *rapid.T, how func(alone), cancelled bool) {
			s := rapid.SampledFrom(scopes).Draw(t, "scope")
			n := len(open[s])
			if n == 0 {
				return
			}
			i := rapid.IntRange(0, n-1).Draw(t, "which")
			how(open[s][i])
			open[s] = slices.Delete(open[s], i, i+1)
			if spoilt[s] = (spoilt[s] || !cancelled) && n > 1; cancelled {
				return
			}
			for _, r := range reads {
				r.lasted = r.lasted && r.scope != s
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				s := rapid.SampledFrom(scopes).Draw(t, "scope")
				reads = append(reads, &read{s, e.Read(s), len(open[s]) == 0})
			},
			"fence": func(t *rapid.T) {
				s := rapid.SampledFrom(scopes).Draw(t, "scope")
				open[s] = append(open[s], fence(e, s))
			},
			"done":   func(t *rapid.T) { end(t, func(f alone) { f.Done() }, false) },
			"leave":  func(t *rapid.T) { end(t, func(f alone) { f.LeavePending() }, false) },
			"cancel": func(t *rapid.T) { end(t, func(f alone) { f.Cancel() }, true) },
			"": func(t *rapid.T) {
				for i, r := range reads {
					fences := len(open[r.scope])
					if got, want := r.stamp.Valid(), r.lasted && fences == 0; got != want {
						t.Fatalf("stamp %d of %s with %d open fences: got valid %v, want %v", i, r.scope, fences, got, want)
					}
					if got, want := r.stamp.Suspended(), r.lasted && fences > 0 && !spoilt[r.scope]; got != want {
						t.Fatalf("stamp %d of %s with %d open fences: got suspended %v, want %v", i, r.scope, fences, got, want)
					}
				}
			},
		})
	})
}

func TestEpochsTogether(t *testing.T) {
	e := cache.NewEpochs()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				f := fence(e, "a", "b")
				e.Read("a", "b").Valid()
				f.Done()
			}
		})
	}
	wg.Wait()
	if !e.Read("a", "b").Valid() {
		t.Error("after all fences: got invalid, want valid")
	}
}

// Scopes of different things never meet, whatever their names are made of.
func TestScopesNeverCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Short names of few letters, so that they often look alike once joined.
		letters := rapid.SampledFrom([]rune("/a\x00\x01"))
		draw := func(label string) (names [2]string) {
			for n := range names {
				names[n] = rapid.StringOfN(letters, 0, 2, -1).Draw(t, label)
			}
			return names
		}
		a, b := draw("a"), draw("b")
		if rapid.Bool().Draw(t, "shifted") { // a letter moves from one name to the next
			b = [2]string{a[0] + "/", a[1]}
			a = [2]string{a[0], "/" + a[1]}
		}
		x, y := cache.LoginScope(a[0], a[1]), cache.LoginScope(b[0], b[1])
		if (x == y) != (a == b) {
			t.Fatalf("scopes of %q and %q equal: got %v, want %v", a, b, x == y, a == b)
		}
		for _, other := range slices.Concat(
			[]cache.Scope{cache.IdentityScope(b[0]), cache.IdentityScope(string(x))}, cache.PoolScopes(b[0]), cache.PoolScopes(string(x[2:])), []cache.Scope{cache.UserScope(b[0], b[1], ""), cache.UserScope("", b[0], b[1])},
		) {
			if x == other {
				t.Fatalf("the scope of %q is that of an identity or a pool", a)
			}
		}
		if pools := cache.PoolScopes(b[0]); pools[0] == pools[1] || slices.Contains(pools, cache.IdentityScope(a[0])) {
			t.Fatalf("the scope of identity %q is that of pool %q", a[0], b[0])
		}
	})
}
