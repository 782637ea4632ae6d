package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// Whoever can write into Redis cannot make a broker serve an entry that he moved,
// whose header he changed, or that he damaged.
func TestTamperedEntries(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a := join(t, server(redis.Addr()), k).leased(t)
	ctx := t.Context()
	_, stamp, err := a.find(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.save(ctx, "x", "one", stamp); err != nil {
		t.Fatal(err)
	}
	admin := redis.Client()
	name := admin.Keys(ctx, "*:c:*").Val()[0]
	whole := admin.Get(ctx, name).Val()
	b := join(t, server(redis.Addr()), k).leased(t)
	look := func(what string, want bool) {
		t.Helper()
		found, err := b.Find(ctx, keyOf("x"), b.epochs.Read(cache.IdentityScope("x"), pool), b.epochs.Read, false)
		if err != nil || (found.Entry != nil) != want {
			t.Errorf("%s: got an entry %v (%v), want %v", what, found.Entry != nil, err, want)
		}
	}
	look("whole", true)
	for at := range whole {
		damaged := whole[:at] + string([]byte{whole[at] ^ 1}) + whole[at+1:]
		admin.Set(ctx, name, damaged, time.Minute)
		look(fmt.Sprint("damaged at ", at), false)
	}
	for _, size := range []int{0, 1, 2, 9, 10, 41, 42, len(whole) - 1} {
		admin.Set(ctx, name, whole[:size], time.Minute)
		look("cut", false)
	}
	admin.Set(ctx, name, whole, time.Minute)
	look("whole again", true)

	// Moved to another identity's name, with that identity's epoch in its header.
	_, other, err := b.find(ctx, "y")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.save(ctx, "y", "two", other); err != nil {
		t.Fatal(err)
	}
	for _, there := range admin.Keys(ctx, "*:c:*").Val() {
		if there == name {
			continue
		}
		header := admin.Get(ctx, there).Val()[:42]
		admin.Set(ctx, there, header+whole[42:], time.Minute)
		found, err := a.Find(ctx, keyOf("y"), a.epochs.Read(cache.IdentityScope("y"), pool), a.epochs.Read, false)
		if err != nil || found.Entry != nil {
			t.Errorf("moved: got an entry %v (%v), want none", found.Entry != nil, err)
		}
	}
}

// Within one epoch the later expiry wins, and a passed epoch always loses.
func TestWritesAreJudged(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a := join(t, server(redis.Addr()), newKeys()).leased(t)
	ctx := t.Context()
	keep := func(secret string, life time.Duration, stamp cache.Stamp) {
		t.Helper()
		e := &cache.Entry{Issued: time.Now(), Stamp: stamp, Credentials: cache.Credentials{
			IdentityID: "x", SecretKey: secret, Expires: time.Now().Add(life),
		}}
		if err := a.Store(ctx, keyOf("x"), e); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(want string) cache.Stamp {
		t.Helper()
		found, err := a.Find(ctx, keyOf("x"), a.epochs.Read(cache.IdentityScope("x"), pool), a.epochs.Read, false)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if found.Entry != nil {
			got = found.Entry.Credentials.SecretKey
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return found.Stamp
	}
	first := wants("")
	keep("an hour", time.Hour, first)
	keep("a minute", time.Minute, first)
	wants("an hour")
	keep("two hours", 2*time.Hour, first)
	wants("two hours")
	keep("expired", -time.Second, first)
	wants("two hours")
	deaf := cache.NewEpochs() // of a broker that is not told of fences
	deaf.ShareWith(a.Fleet)
	scopes, epochs := first.Shared()
	told := map[cache.Scope]cache.Epoch{}
	for i, scope := range scopes {
		told[scope] = epochs[i]
	}
	unaware := deaf.Read(scopes...).With(told)

	fence, err := a.epochs.Fence(ctx, cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	pending := wants("")
	keep("while pending", time.Hour, pending)
	keep("while pending, unaware", time.Hour, unaware)
	wants("")
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
	second := wants("")
	keep("new", time.Minute, second)
	keep("of the passed epoch", 3*time.Hour, first)
	wants("new")
	if !unaware.Stands() {
		t.Error("the stamp of who is not told: got ended, want it to stand")
	}
	keep("of the passed epoch, unaware", 3*time.Hour, unaware)
	wants("new")

	whole := join(t, server(redis.Addr()), newKeys()).leased(t) // of another fleet
	if found, err := whole.Find(ctx, keyOf("x"), whole.epochs.Read(cache.IdentityScope("x"), pool), whole.epochs.Read, false); err != nil || found.Entry != nil {
		t.Errorf("another fleet on the same Redis: got an entry %v (%v), want none", found.Entry != nil, err)
	}
}

// A fence that changed nothing gives back what it ended in Redis; one whose outcome
// is unknown keeps it pending.
func TestFencesOfNothingAndOfTheUnknown(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k).leased(t), join(t, server(redis.Addr()), k).leased(t)
	settle(t, a)
	ctx := t.Context()
	_, stamp, err := a.find(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.save(ctx, "x", "one", stamp); err != nil {
		t.Fatal(err)
	}
	fence, err := a.epochs.Fence(ctx, cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	fence.Cancel()
	for _, broker := range []*broker{a, b} {
		if e, _, err := broker.find(ctx, "x"); err != nil || e == nil {
			t.Errorf("cancelled: got no entry (%v), want the one of before", err)
		}
	}
	fence, err = a.epochs.Fence(ctx, cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	fence.LeavePending()
	for _, broker := range []*broker{a, b} {
		if e, stamp, err := broker.find(ctx, "x"); err != nil || e != nil || stamp.Stands() {
			t.Errorf("left: got an entry %v (%v) and a stamp %v, want none", e != nil, err, stamp.Stands())
		}
	}
	// It lapses by its deadline, which Redis keeps; a new epoch is made then.
	for _, key := range redis.Client().Keys(ctx, "*:v").Val() {
		v := redis.Client().Get(ctx, key).Val()
		if len(v) > 32 { // the deadline: the last 8 bytes
			redis.Client().Set(ctx, key, v[:len(v)-8]+"\x00\x00\x00\x00\x00\x00\x00\x01", time.Hour)
		}
	}
	if e, stamp, err := b.find(ctx, "x"); err != nil || e != nil || !stamp.Stands() {
		t.Errorf("lapsed: got an entry %v (%v) and a stamp %v, want the stamp only", e != nil, err, stamp.Stands())
	}
}
