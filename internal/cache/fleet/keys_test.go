package fleet_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// unopened counts what did not open.
type unopened struct {
	silent
	atomic.Int64
}

func (u *unopened) OpenFailed() { u.Add(1) }

// sealing starts a broker with those keys.
func sealing(t *testing.T, redis *redistest.Server, k keys, seals ...[]byte) (*broker, *unopened) {
	t.Helper()
	u := &unopened{}
	b := joinWith(t, k, fleet.Config{Server: server(redis.Addr()), Observer: u, Keys: seals})
	return b.leased(t), u
}

// put stores an identity's entry, and whose his login is.
func (b *broker) put(t *testing.T, id string) {
	t.Helper()
	_, stamp, err := b.find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.save(t.Context(), id, "secret of "+id, stamp); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddOwner(t.Context(), cache.LoginScope("idp", id), "p", id); err != nil {
		t.Fatal(err)
	}
}

// has reports whether a broker finds what put stored.
func (b *broker) has(t *testing.T, id string) bool {
	t.Helper()
	e, _, err := b.find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	owners, err := b.Owners(t.Context(), cache.LoginScope("idp", id))
	if err != nil {
		t.Fatal(err)
	}
	return e != nil && e.Credentials.SecretKey == "secret of "+id && len(owners[0]) == 1 && owners[0][0] == id
}

// Keys are rotated in rolling steps: the new one is added last, moved first, and the
// old one dropped when what it sealed has ended. Nothing is lost meanwhile, whichever
// broker is a step behind.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	fresh := newKeys().seal
	steps := [][][]byte{{k.seal}, {k.seal, fresh}, {fresh, k.seal}, {fresh}}
	var byOld, byFresh []string // stored under which key
	for _, at := range [][2]int{{0, 0}, {1, 0}, {1, 1}, {2, 1}, {2, 2}, {3, 2}, {3, 3}} {
		t.Run(fmt.Sprint("steps ", at), func(t *testing.T) {
			a, unopenedA := sealing(t, redis, k, steps[at[0]]...)
			b, unopenedB := sealing(t, redis, k, steps[at[1]]...)
			var expected *[]string
			for i, by := range []*broker{a, b} {
				id := fmt.Sprint("identity of ", at, i)
				if expected = &byOld; at[i] >= 2 {
					expected = &byFresh
				}
				by.put(t, id)
				*expected = append(*expected, id)
			}
			lasting := byFresh
			if at[0] < 3 { // before it is dropped, what the old key sealed has ended
				lasting = append(lasting, byOld...)
			}
			for _, id := range lasting {
				if !a.has(t, id) || !b.has(t, id) {
					t.Errorf("%s: got a miss, want what was stored", id)
				}
			}
			for i, by := range []*broker{a, b} {
				id := fmt.Sprint("changed ", at, i)
				by.put(t, id)
				other := []*broker{b, a}[i]
				if !other.has(t, id) {
					t.Fatalf("%s: got a miss, want what was stored", id)
				}
				by.change(t, cache.IdentityScope(id))
				if _, ok := other.memory.Get(keyOf(id)); ok || other.has(t, id) {
					t.Errorf("%s, at the other broker: got what was stored before the change", id)
				}
				if _, ok := other.memory.Get(keyOf(lasting[0])); !ok {
					t.Errorf("%s: got all memory ended by a change, want only what it was of", id)
				}
			}
			if n := unopenedA.Load() + unopenedB.Load(); n != 0 {
				t.Errorf("values that did not open: got %d, want none", n)
			}
		})
	}
}

// A key that is dropped before what it sealed has ended costs misses, which are
// counted.
func TestKeyDroppedTooEarly(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	old, _ := sealing(t, redis, k, k.seal)
	fresh, unopened := sealing(t, redis, k, newKeys().seal)
	old.put(t, "x")
	if fresh.has(t, "x") {
		t.Error("got what another key sealed, want a miss")
	}
	if n := unopened.Load(); n != 2 { // the entry, and the owner
		t.Errorf("values that did not open: got %d, want 2", n)
	}
	if fresh.put(t, "x"); !fresh.has(t, "x") {
		t.Error("stored anew: got a miss, want it")
	}
}

// An announcement that does not open, for its key is not known here, may name
// anything: it ends all that is in memory, and is acknowledged.
func TestAnnouncementOfAnUnknownKey(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	here, _ := sealing(t, redis, k, k.seal)
	ahead, _ := sealing(t, redis, k, newKeys().seal)
	settle(t, ahead)
	ids := []string{"changed", "another"}
	for _, id := range ids {
		_, stamp, err := here.find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := here.save(t.Context(), id, "secret", stamp); err != nil {
			t.Fatal(err)
		}
		if _, ok := here.memory.Get(keyOf(id)); !ok {
			t.Fatalf("%s: got nothing in memory, want it", id)
		}
	}
	fence, err := ahead.epochs.Fence(t.Context(), cache.IdentityScope("changed"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, ok := here.memory.Get(keyOf(id)); ok {
			t.Errorf("%s: got it from memory while a change goes on that cannot be read, want nothing", id)
		}
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	if e, _, err := here.find(t.Context(), "changed"); e != nil || err != nil {
		t.Errorf("what was changed: got an entry or %v, want none", err)
	}
	if e, _, err := here.find(t.Context(), "another"); e == nil || err != nil {
		t.Errorf("the rest: got nothing (%v), want it from Redis", err)
	}
}
