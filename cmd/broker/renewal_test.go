package main

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Of a fleet's users, he who asks now and then is never waiting after his first
// exchange: some broker renews what he has, once in its life, and another one where
// that broker is killed in the middle. Nobody renews for who is idle, or was unlinked.
func TestFleetRenewsAhead(t *testing.T) {
	t.Parallel() // it waits
	const life, longer = 36 * time.Second, time.Minute
	f := newRenewing(t)
	busy, idle, unlinked, orphan := f.meet("busy", life), f.meet("idle", life), f.meet("unlinked", life), f.meet("orphan", longer)
	f.upstream.catches = orphan.id
	for _, k := range []known{busy, unlinked, orphan} {
		f.want(0, k, "miss")
		f.want(1, k, "hit")
		f.want(2, k, "hit")
	}
	idleUntil := time.Now().Add(f.want(0, idle, "miss").left)
	f.scheduled(4)
	a := f.brokers[1].rest(t, demoPool, "logins/unlink", map[string]any{"identityId": unlinked.id, "logins": unlinked.logins, "loginsToRemove": []string{f.idp.Name()}})
	if a.status != 204 {
		t.Fatalf("unlink: got %d, want 204", a.status)
	}
	stop := f.keepAsking(busy)

	f.until("the renewal of the killed broker's entry", func() bool { return len(f.upstream.of(orphan)) >= 3 })
	f.until("a second renewal", func() bool { return len(f.upstream.of(busy)) >= 3 })
	f.until("the end of what nobody asks for", func() bool { return time.Now().After(idleUntil) })
	stop()

	all := f.upstream.of(busy)
	for i, e := range all[1:] {
		// They come up at 55 % of their life, by the clock of who brought them.
		if after := e.began.Sub(all[i].ended); after < life/2 {
			t.Errorf("in use: renewal %d came %v after the exchange before, want one in a life", i+1, after)
		}
	}
	if got := f.upstream.of(orphan); len(got) != 3 || got[1].broker == got[2].broker || !f.killed[got[1].broker] {
		t.Errorf("of a broker that was killed: got %v, want a first exchange, that broker's, and another's", got)
	}
	if s, err := f.askAny(orphan); err != nil || s.cache != "hit" {
		t.Errorf("after another broker's renewal: got X-Cache %q %v, want a hit", s.cache, err)
	}
	for who, k := range map[string]known{"idle": idle, "unlinked": unlinked} {
		if got := len(f.upstream.of(k)); got != 1 {
			t.Errorf("%s: got %d exchanges, want the first alone", who, got)
		}
	}
	if s, err := f.askAny(idle); err != nil || s.cache != "miss" {
		t.Errorf("who was idle: got X-Cache %q %v, want a miss", s.cache, err)
	}
}

// keepAsking has somebody ask the brokers that live until stop, by several of his
// devices. He must never wait, nor be given less than the floor, and he gets what is new.
func (f *renewing) keepAsking(k known) (stop func()) {
	ctx, cancel := context.WithCancel(f.Context())
	var devices sync.WaitGroup
	var mu sync.Mutex
	seen, hits := map[time.Time]bool{}, 0
	for range 2 {
		devices.Go(func() {
			for ctx.Err() == nil {
				s, err := f.askAny(k)
				mu.Lock()
				switch seen[s.expires], hits = true, hits+1; {
				case err != nil:
					f.Errorf("in use: %v", err)
				case s.cache != "hit":
					f.Errorf("in use: got X-Cache %q of broker %d with %v left, want a hit", s.cache, s.broker, s.left)
				case s.left < leastLeft:
					f.Errorf("in use: got %v left of broker %d, want the floor of %v", s.left, s.broker, leastLeft)
				}
				mu.Unlock()
				pause(ctx, 50*time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		devices.Wait()
		f.Logf("in use: %d hits of %d different credentials", hits, len(seen))
		if got, fetched := len(seen), len(f.upstream.of(k)); got < 2 || got > fetched {
			f.Errorf("in use: got %d different credentials of %d exchanges, want to see those that were renewed", got, fetched)
		}
	}
}
