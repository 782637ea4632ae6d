package fleet_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// A record is replaced by whoever saw it as it stands, and by nobody else; others see
// it whole, and Redis does not.
func TestSettings(t *testing.T) {
	redis := redistest.Single(t)
	k := newKeys()
	a, b := join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), k)
	ctx := t.Context()
	read := func(from *broker) fleet.SettingsRecord {
		t.Helper()
		r, err := from.ReadSettings(ctx, "kind")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	none := read(a)
	if none.Text != nil || none.InUse {
		t.Errorf("before: got %q, tended %v; want nothing", none.Text, none.InUse)
	}
	if ok, err := a.KeepSettings(ctx, "kind", none); ok || err != nil {
		t.Errorf("nothing was tended: got %v %v", ok, err)
	}
	var wrote [8]bool
	var all sync.WaitGroup
	for i := range wrote {
		all.Go(func() {
			var err error
			if _, wrote[i], err = b.ReplaceSettings(ctx, "kind", none, []byte{'p', 'o', 'o', 'l', byte('0' + i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	first := read(a)
	for i, ok := range wrote {
		if ok != (string(first.Text) == string([]byte{'p', 'o', 'o', 'l', byte('0' + i)})) {
			t.Errorf("%d wrote: %v, and %q stands there", i, ok, first.Text)
		}
	}
	if !first.InUse {
		t.Error("what was just written is not tended")
	}
	second, ok, err := a.ReplaceSettings(ctx, "kind", first, []byte("second"))
	if err != nil || !ok {
		t.Fatalf("replace what stands there: %v %v", ok, err)
	}
	if ok, err := b.KeepSettings(ctx, "kind", first); ok || err != nil {
		t.Errorf("tend what was replaced: got %v %v, want no", ok, err)
	}
	if ok, err := b.KeepSettings(ctx, "kind", second); !ok || err != nil {
		t.Errorf("tend what stands there: got %v %v, want yes", ok, err)
	}
	if got := read(b); string(got.Text) != "second" {
		t.Errorf("got %q, want it as it was written", got.Text)
	}
	if other, err := b.ReadSettings(ctx, "other"); err != nil || other.Text != nil {
		t.Errorf("another kind: got %q %v, want nothing", other.Text, err)
	}
	for _, e := range redis.Dump() {
		if strings.Contains(e.String(), "second") {
			t.Errorf("it stands in Redis in clear: %s", e.Key)
		}
	}
}

// A record that nobody tends lasts, and says so; one that the keys do not open is
// none, and can be replaced.
func TestSettingsOfOtherBrokers(t *testing.T) {
	redis := redistest.Single(t)
	k, stranger := newKeys(), newKeys()
	stranger.name = k.name
	a, b := join(t, server(redis.Addr()), k), join(t, server(redis.Addr()), stranger)
	ctx := t.Context()
	if _, ok, err := a.ReplaceSettings(ctx, "kind", fleet.SettingsRecord{}, []byte("text")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	marks := redis.Client().Keys(ctx, "*:used:*").Val()
	if len(marks) != 1 {
		t.Fatalf("got marks %q, want one", marks)
	}
	if left := redis.Client().PTTL(ctx, marks[0]).Val(); left <= 0 || left > fleet.SettingsInUseFor {
		t.Errorf("the mark lasts %v, want up to %v", left, fleet.SettingsInUseFor)
	}
	if r, err := a.ReadSettings(ctx, "kind"); err != nil || string(r.Text) != "text" || !r.InUse {
		t.Errorf("as long as it lasts: got %q %v, tended %v", r.Text, err, r.InUse)
	}
	redis.Client().Del(ctx, marks...) // as it lapses
	if r, err := a.ReadSettings(ctx, "kind"); err != nil || string(r.Text) != "text" || r.InUse {
		t.Errorf("when nobody tended it: got %q %v, tended %v", r.Text, err, r.InUse)
	}
	r, err := b.ReadSettings(ctx, "kind")
	if err != nil || r.Text != nil {
		t.Fatalf("of other keys: got %q %v, want none", r.Text, err)
	}
	if _, ok, err := b.ReplaceSettings(ctx, "kind", r, []byte("theirs")); !ok || err != nil {
		t.Errorf("replace what does not open: got %v %v", ok, err)
	}
	redis.Kill()
	if _, err := b.ReadSettings(ctx, "kind"); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("without Redis: got %v, want ErrFleet", err)
	}
	if _, _, err := b.ReplaceSettings(ctx, "kind", r, nil); !errors.Is(err, cache.ErrFleet) {
		t.Errorf("without Redis: got %v, want ErrFleet", err)
	}
}

// Settings are read from a master only while its replicas follow, although reading writes
// nothing that they could confirm: another may have taken its place.
func TestSettingsOfAMasterWithoutItsReplica(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	where := replicated(p.master.Addr())
	where.ReadTimeout = time.Second // on a busy machine
	b := unled(t, where, newKeys())
	redistest.Until(t, "nothing is to expire, which would be written", func() bool {
		return p.master.Client().Exists(t.Context(), "anything").Val() == 0
	})
	if _, err := b.ReadSettings(t.Context(), "kind"); err != nil {
		t.Fatal(err)
	}
	p.link.Hang()
	for range 3 {
		if _, err := b.ReadSettings(t.Context(), "kind"); !errors.Is(err, cache.ErrFleet) {
			t.Errorf("without the replica: got %v, want it not available", err)
		}
	}
}
