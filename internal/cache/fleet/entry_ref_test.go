package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

const login = cache.Scope("l/login")

// spotted has an entry of an identity stored by one broker, that rests on the scopes
// too, and found by another. It returns where that looks again.
func spotted(t testing.TB, by, at *broker, id string, also ...cache.Scope) cache.EntryRef {
	t.Helper()
	stamp, err := by.Stamp(t.Context(), by.epochs.Read(append([]cache.Scope{cache.IdentityScope(id), pool}, also...)...))
	if err != nil {
		t.Fatal(err)
	}
	if err := by.save(t.Context(), id, "secret of "+id, stamp); err != nil {
		t.Fatal(err)
	}
	found, err := at.Find(t.Context(), keyOf(id), at.epochs.Read(cache.IdentityScope(id), pool), at.epochs.Read, false)
	if err != nil || found.Entry == nil {
		t.Fatalf("got an entry %v (%v), want what was stored", found.Entry != nil, err)
	}
	return at.Ref(keyOf(id), found.Entry.Stamp)
}

// sees is what stands at a spot: the secret, or nothing.
func sees(t testing.TB, s cache.EntryRef) string {
	t.Helper()
	g, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g == nil {
		return ""
	}
	defer g.Release()
	return string(g.SecretKey)
}

// What is looked at again is seen while all that it rests on is as it was, whoever
// changed that, and whatever this broker heard of it.
func TestEntryRef(t *testing.T) {
	t.Parallel()
	s, k := redistest.Single(t), newKeys()
	a, b := join(t, server(s.Addr()), k).leased(t), join(t, server(s.Addr()), k).leased(t)
	settle(t, a)
	fenced := func(end func(*cache.Fence), scope cache.Scope) func(testing.TB, string) {
		return func(t testing.TB, id string) {
			if scope == "" {
				scope = cache.IdentityScope(id)
			}
			f, err := a.epochs.Fence(t.Context(), scope)
			if err != nil {
				t.Fatal(err)
			}
			end(f)
		}
	}
	done := func(f *cache.Fence) { f.Done() }
	each := func(match string, change func(key, value string)) func(testing.TB, string) {
		return func(t testing.TB, _ string) {
			keys := s.Client().Keys(t.Context(), match).Val()
			if len(keys) == 0 {
				t.Fatalf("nothing is named %s", match)
			}
			for _, key := range keys {
				change(key, s.Client().Get(t.Context(), key).Val())
			}
		}
	}
	set := func(key, value string) { s.Client().Set(context.Background(), key, value, time.Hour) }
	evict := func(key, _ string) { s.Client().Del(context.Background(), key) }
	for name, test := range map[string]struct {
		happens func(t testing.TB, id string)
		seen    bool
	}{
		"nothing":                        {func(testing.TB, string) {}, true},
		"a fence of the identity":        {fenced(done, ""), false},
		"a fence of the pool":            {fenced(done, pool), false},
		"a fence of the login":           {fenced(done, login), false},
		"a fence of another identity":    {fenced(done, cache.IdentityScope("y")), true},
		"a fence that is open":           {fenced(func(*cache.Fence) {}, ""), false},
		"a fence that is left":           {fenced((*cache.Fence).LeavePending, ""), false},
		"a fence that changed nothing":   {fenced((*cache.Fence).Cancel, ""), true},
		"Redis is emptied":               {func(testing.TB, string) { s.FlushAll() }, false},
		"the epochs are evicted":         {each("*:v", evict), false},
		"the entry is evicted":           {each("*:c:*", evict), false},
		"epochs of another server":       {each("*:v", func(key, v string) { set(key, v[:31]+string(v[31]^1)) }), false},
		"epochs without a server":        {each("*:v", func(key, v string) { set(key, v[:16]) }), false},
		"the entry is cut":               {each("*:c:*", func(key, v string) { set(key, v[:len(v)-1]) }), false},
		"only a header is left":          {each("*:c:*", func(key, v string) { set(key, v[:58]) }), false},
		"the entry is another version":   {each("*:c:*", func(key, v string) { set(key, "\x02"+v[1:]) }), false},
		"the entry rests on less":        {each("*:c:*", func(key, v string) { set(key, "\x01\x02"+v[2:]) }), false},
		"its expiry is moved":            {each("*:c:*", func(key, v string) { set(key, v[:9]+string(v[9]^1)+v[10:]) }), false},
		"it is sealed by an unknown key": {each("*:c:*", func(key, v string) { set(key, v[:58]+string(v[58]^1)+v[59:]) }), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, match := range []string{"*:v", "*:c:*"} { // of other cases; the leases stay
				for _, key := range s.Client().Keys(t.Context(), match).Val() {
					evict(key, "")
				}
			}
			spot := spotted(t, a, b, name, login)
			if got := sees(t, spot); got != "secret of "+name {
				t.Fatalf("before: got %q, want the entry", got)
			}
			test.happens(t, name)
			if got := sees(t, spot); (got != "") != test.seen {
				t.Errorf("got %q, want the entry seen: %v", got, test.seen)
			}
		})
	}
}

// An entry that was renewed is seen, and is not the one that the spot was made for.
func TestEntryRefOfRenewed(t *testing.T) {
	s, k := redistest.Single(t), newKeys()
	a := join(t, server(s.Addr()), k).leased(t)
	spot := spotted(t, a, a, "x")
	old, _, err := a.find(t.Context(), "x")
	if err != nil || old == nil {
		t.Fatalf("got no entry (%v), want one", err)
	}
	look := func() bool {
		t.Helper()
		g, err := spot.Read(t.Context())
		if err != nil || g == nil {
			t.Fatalf("got nothing (%v), want an entry", err)
		}
		defer g.Release()
		if text := fmt.Sprintf("%v %+v %#v", g, g, *g); strings.Contains(text, "secret") {
			t.Error("a glimpse prints what it saw, want a placeholder")
		}
		return g.IsOf(old)
	}
	if !look() {
		t.Error("got another entry, want the one that was stored")
	}
	// Within one epoch the later expiry wins, and Redis counts milliseconds.
	later := old.Credentials
	later.SecretKey, later.Expires = "a later secret", later.Expires.Add(time.Second)
	if err := a.Store(t.Context(), keyOf("x"), &cache.Entry{Issued: time.Now(), Stamp: old.Stamp, Credentials: later}); err != nil {
		t.Fatal(err)
	}
	if look() {
		t.Error("renewed: got the entry of before, want another")
	}
}

// A Redis that cannot be asked is no answer.
func TestEntryRefFails(t *testing.T) {
	s, k := redistest.Single(t), newKeys()
	link := redistest.Proxy(t, s.Addr())
	a := join(t, server(link.Addr()), k).leased(t)
	spot := spotted(t, a, a, "x")
	link.Cut()
	if g, err := spot.Read(t.Context()); g != nil || !errors.Is(err, cache.ErrFleet) {
		t.Errorf("got %v %v, want ErrFleet", g, err)
	}
}

// Many look at once, again and again: each sees what is his.
func TestEntryRefsAtOnce(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) fleet.Server{
		"single":  func(t testing.TB) fleet.Server { return server(redistest.Single(t).Addr()) },
		"cluster": func(t testing.TB) fleet.Server { return server(redistest.Cluster(t).Addrs()...) },
	} {
		t.Run(name, func(t *testing.T) {
			a := join(t, start(t), newKeys()).leased(t)
			var all sync.WaitGroup
			var seen atomic.Int64
			for i := range 40 {
				id := fmt.Sprint("identity ", i)
				spot := spotted(t, a, a, id)
				all.Go(func() {
					for range 50 {
						g, err := spot.Read(t.Context())
						if err != nil || g == nil {
							continue // of a busy machine
						}
						if string(g.IdentityID) != id || string(g.SecretKey) != "secret of "+id {
							t.Errorf("%s: got what is of another", id)
						}
						seen.Add(1)
						g.Release()
					}
				})
			}
			all.Wait()
			if seen.Load() == 0 {
				t.Error("nothing was seen")
			}
		})
	}
}

// Whatever is stored is seen as it was.
func TestEntryRefProperty(t *testing.T) {
	s, k := redistest.Single(t), newKeys()
	a := join(t, server(s.Addr()), k).leased(t)
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringN(0, 50, 2000)
		e := &cache.Entry{
			Issued: time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(r, "issued")), Jitter: rapid.Float64().Draw(r, "jitter"),
			Credentials: cache.Credentials{
				IdentityID: text.Draw(r, "identity"), AccessKeyID: text.Draw(r, "key"), SecretKey: text.Draw(r, "secret"), SessionToken: text.Draw(r, "token"),
				Expires: time.Now().Add(time.Duration(rapid.Int64Range(int64(time.Minute), int64(12*time.Hour)).Draw(r, "life"))),
			},
		}
		var err error
		home := cache.IdentityScope(rapid.StringN(1, 20, 40).Draw(r, "home"))
		if e.Stamp, err = a.Stamp(t.Context(), a.epochs.Read(home, pool)); err != nil {
			t.Fatal(err)
		}
		key := namer.Key("test", text.Draw(r, "name"))
		if err := a.Drop(t.Context(), key, home); err != nil {
			t.Fatal(err)
		}
		if err := a.Store(t.Context(), key, e); err != nil {
			t.Fatal(err)
		}
		g, err := a.Ref(key, e.Stamp).Read(t.Context())
		if err != nil || g == nil {
			r.Fatalf("got nothing (%v), want the entry", err)
		}
		defer g.Release()
		c := &e.Credentials
		if string(g.IdentityID) != c.IdentityID || string(g.AccessKeyID) != c.AccessKeyID || string(g.SecretKey) != c.SecretKey ||
			string(g.SessionToken) != c.SessionToken || !g.IsOf(e) {
			r.Fatal("got other texts or times, want those stored")
		}
	})
}

// BenchmarkEntryRef looks at entries again, as many at once as it says.
func BenchmarkEntryRef(b *testing.B) {
	for _, askers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(askers), func(b *testing.B) {
			a := join(b, server(redistest.Single(b).Addr()), newKeys()).leased(b)
			spots := make([]cache.EntryRef, 256)
			for i := range spots {
				spots[i] = spotted(b, a, a, fmt.Sprint(i))
			}
			var turn atomic.Uint64
			b.ReportAllocs()
			b.SetParallelism(askers)
			defer spends(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					g, err := spots[turn.Add(1)%256].Read(b.Context())
					if err != nil || g == nil {
						b.Errorf("got nothing (%v), want an entry", err)
						return
					}
					g.Release()
				}
			})
		})
	}
}
