package fleet_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// filled is a fleet of two whose memories hold an entry each for the identity x,
// the second behind a link, and whose Redis knows all leases.
func filled(t *testing.T) (a, b *broker, link *redistest.Link) {
	t.Helper()
	return filledOn(t, redistest.Single(t))
}

func filledOn(t *testing.T, redis *redistest.Server) (a, b *broker, link *redistest.Link) {
	t.Helper()
	link = redistest.Proxy(t, redis.Addr())
	k := newKeys()
	a, b = join(t, server(redis.Addr()), k).leased(t), join(t, server(link.Addr()), k).leased(t)
	settle(t, a)
	_, stamp, err := a.find(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.save(t.Context(), "x", "one", stamp); err != nil {
		t.Fatal(err)
	}
	if e, _, err := b.find(t.Context(), "x"); e == nil || err != nil {
		t.Fatalf("the second broker: got no entry (%v), want one", err)
	}
	if _, ok := b.memory.Get(keyOf("x")); !ok {
		t.Fatal("the second broker's memory: got nothing, want the entry")
	}
	return a, b, link
}

// settle makes changes until one does not wait: the server has then kept the table
// of leases long enough to know all holders.
func settle(t *testing.T, b *broker) {
	t.Helper()
	for {
		start := time.Now()
		fence, err := b.epochs.Fence(t.Context(), "i/nobody")
		if err != nil {
			continue // a replica that is not there yet
		}
		fence.Cancel()
		if time.Since(start) < time.Second {
			return
		}
	}
}

// change fences a scope.
func (b *broker) change(t *testing.T, scope cache.Scope) {
	t.Helper()
	fence, err := b.epochs.Fence(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fence.Done(); err != nil {
		t.Fatal(err)
	}
}

// lacks reports what a broker still has of the identity x.
func (b *broker) lacks(t *testing.T, when string) {
	t.Helper()
	if _, ok := b.memory.Get(keyOf("x")); ok {
		t.Errorf("%s: got the old entry from memory, want nothing", when)
	}
	e, _, err := b.find(t.Context(), "x")
	if err == nil && e != nil {
		t.Errorf("%s: got the old entry, want nothing", when)
	}
}

// A broker that cannot hear of a change serves nothing from memory when the change
// is answered, nor after it hears again.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(*redistest.Link){
		"cut":     (*redistest.Link).Cut,
		"silent":  (*redistest.Link).Hang,
		"one way": (*redistest.Link).HangAnswers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, link := filled(t)
			silence(link)
			a.change(t, cache.IdentityScope("x"))
			b.lacks(t, "while it cannot hear")
			link.Restore()
			b.leased(t)
			b.lacks(t, "when it hears again")
		})
	}
}

// A fence whose caller leaves while a broker is waited for has not begun: that one may serve on.
func TestFenceGivenUpWhileABrokerIsSilent(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a, _, link := filledOn(t, redis)
	link.Hang()
	heard := redis.Client().PSubscribe(t.Context(), "*")
	defer heard.Close()
	if _, err := heard.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := a.epochs.Fence(ctx, cache.IdentityScope("x"))
		failed <- err
	}()
	if _, err := heard.ReceiveMessage(t.Context()); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := <-failed; !errors.Is(err, cache.ErrFleet) {
		t.Errorf("got %v, want %v", err, cache.ErrFleet)
	}
}

// A broker whose connection breaks and comes back at once, within its lease, knows
// that it missed what was announced in between.
func TestMissedAnnouncement(t *testing.T) {
	t.Parallel()
	a, b, link := filled(t)
	link.Cut()
	changed := make(chan struct{})
	go func() { defer close(changed); a.change(t, cache.IdentityScope("x")) }()
	for a.pending(t, "x") {
	}
	link.Restore()
	<-changed
	b.leased(t)
	b.lacks(t, "after the change")
}

// A renewal counts only when every announcement before it was heard: a head that was not ends all that is
// in memory, though the subscription holds.
func TestHeadThatWasNotHeard(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	_, b, _ := filledOn(t, redis)
	moved, before := 0, b.AnnouncementsMissed()
	for _, name := range redis.Client().Keys(t.Context(), "*").Val() {
		if head, err := redis.Client().Get(t.Context(), name).Bytes(); err == nil && len(head) == 16 {
			head[0] ^= 1
			redis.Client().Set(t.Context(), name, head, time.Hour)
			moved++
		}
	}
	if moved != 1 {
		t.Fatalf("got %d heads in Redis, want one", moved)
	}
	redistest.Until(t, "the memory ends", func() bool { return b.AnnouncementsMissed() > before })
	if _, ok := b.memory.Get(keyOf("x")); ok {
		t.Error("got the entry from memory, want nothing")
	}
}

// pending waits until the identity is fenced in Redis, and reports whether it is
// not yet.
func (b *broker) pending(t *testing.T, id string) bool {
	t.Helper()
	_, stamp, err := b.find(t.Context(), id)
	if err != nil {
		t.Error(err)
		return false
	}
	return stamp.Stands()
}

// A Redis that lost who holds a lease lets a change wait for those it may have
// forgotten; one that lost the fence itself has it announced again.
func TestFencesThatRedisLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*redistest.Server){
		"emptied":   (*redistest.Server).FlushAll,
		"restarted": func(s *redistest.Server) { s.Kill(); s.Start() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Single(t)
			a, b, link := filledOn(t, redis)
			link.Hang() // b holds its lease and hears nothing
			lose(redis)
			redistest.Until(t, "the server is confirmed", func() bool { // it is another, where it restarted
				stamp, err := a.Stamp(t.Context(), a.epochs.Read(cache.IdentityScope("other")))
				return err == nil && stamp.Agreed()
			})
			a.change(t, cache.IdentityScope("x"))
			b.lacks(t, "after a change that Redis knew no holders for")
			link.Restore()
		})
		t.Run(name+" within the fence", func(t *testing.T) {
			t.Parallel()
			redis := redistest.Single(t)
			a, b, _ := filledOn(t, redis)
			fence, err := a.epochs.Fence(t.Context(), cache.IdentityScope("x"))
			if err != nil {
				t.Fatal(err)
			}
			lose(redis)
			b.leased(t)
			_, stamp, err := b.find(t.Context(), "x") // before the change reached upstream
			for ; err != nil; _, stamp, err = b.find(t.Context(), "x") {
			}
			if err := b.save(t.Context(), "x", "old", stamp); err != nil {
				t.Fatal(err)
			}
			if _, err := fence.Done(); err != nil {
				t.Fatal(err)
			}
			b.lacks(t, "after a fence that Redis lost")
		})
	}
}

// A Redis that reads back from its disk what it held before a change serves nothing
// of it: another process does not know what was changed since.
func TestStateReadBackFromDisk(t *testing.T) {
	redis := redistest.Single(t, redistest.Arg("appendonly", "yes"), redistest.Arg("appendfsync", "always"))
	k := newKeys()
	a := join(t, server(redis.Addr()), k).leased(t)
	_, stamp, err := a.find(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.save(t.Context(), "x", "one", stamp); err != nil {
		t.Fatal(err)
	}
	redis.Kill()
	redis.Start()
	b := join(t, server(redis.Addr()), k).leased(t)
	e, stamp, err := b.find(t.Context(), "x")
	if e != nil || err != nil || !stamp.Stands() {
		t.Errorf("got an entry %v (%v) and a new epoch %v, want the epoch only", e != nil, err, stamp.Stands())
	}
	if err := b.save(t.Context(), "x", "two", stamp); err != nil {
		t.Fatal(err)
	}
	if found, err := b.found(t, "x"); !found || err != nil {
		t.Errorf("what is brought under the new epoch: got no entry (%v), want one", err)
	}
	if keys := redis.Client().Keys(t.Context(), "*:c:*").Val(); len(keys) == 0 {
		t.Error("Redis brought nothing back: the test shows nothing")
	}
}

// An epoch that Redis evicted never comes back: what was stored under it is gone.
func TestEvictedEpoch(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	a, b, _ := filledOn(t, redis)
	evictEpochs(t.Context(), redis)
	a.change(t, cache.IdentityScope("x"))
	evictEpochs(t.Context(), redis)
	for _, broker := range []*broker{a, b} {
		broker.lacks(t, "after its epoch was made twice")
	}
}
