package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// doubtOf is a change of a pool that is in doubt.
func doubtOf(pool string, n byte, text string) cache.PoolChange {
	return cache.PoolChange{ID: [16]byte{n}, Pool: pool, Text: []byte(text)}
}

// notes are where changes in doubt are noted: of a fleet, or of a process alone.
type notes interface {
	PutPoolChange(context.Context, cache.PoolChange) error
	ReplacePoolChange(context.Context, cache.PoolChange) error
	DropPoolChange(context.Context, cache.PoolChange) error
	PoolChangesOf(ctx context.Context, pool string) ([]cache.PoolChange, error)
}

// noted are the changes of a pool, in words.
func noted(t testing.TB, by notes, pool string) []string {
	t.Helper()
	doubts, err := by.PoolChangesOf(t.Context(), pool)
	return textsOf(t, doubts, err)
}

// textsOf are what changes say, with their pools and the first byte of their ids.
func textsOf(t testing.TB, doubts []cache.PoolChange, err error) (texts []string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doubts {
		texts = append(texts, fmt.Sprintf("%s %d %s", d.Pool, d.ID[0], d.Text))
	}
	slices.Sort(texts)
	return texts
}

// What one broker notes, all read, each pool's alone; it is replaced and forgotten as one,
// and what is forgotten stays so. A process alone notes likewise.
func TestNotedChanges(t *testing.T) {
	redis, k, alone := redistest.Single(t), newKeys(), new(cache.PoolChanges)
	for name, n := range map[string]struct{ a, b notes }{
		"a fleet": {unled(t, server(redis.Addr()), k), unled(t, server(redis.Addr()), k)},
		"alone":   {alone, alone},
	} {
		put, replace, drop := notes.PutPoolChange, notes.ReplacePoolChange, notes.DropPoolChange
		for _, step := range []struct {
			what  string
			by    notes
			does  func(notes, context.Context, cache.PoolChange) error
			doubt cache.PoolChange
			want  []string // of the pool afterwards
		}{
			{"nothing was", n.a, drop, doubtOf("pool", 1, ""), nil},
			{"one is noted", n.a, put, doubtOf("pool", 1, "first"), []string{"pool 1 first"}},
			{"another of the pool", n.b, put, doubtOf("pool", 2, "second"), []string{"pool 1 first", "pool 2 second"}},
			{"one of another pool", n.a, put, doubtOf("pool2", 3, "secret"), []string{"pool 1 first", "pool 2 second"}},
			{"noted again", n.a, put, doubtOf("pool", 1, "anew"), []string{"pool 1 anew", "pool 2 second"}},
			{"replaced", n.b, replace, doubtOf("pool", 1, "other"), []string{"pool 1 other", "pool 2 second"}},
			{"forgotten", n.b, drop, doubtOf("pool", 1, ""), []string{"pool 2 second"}},
			{"replaced when forgotten", n.a, replace, doubtOf("pool", 1, "revived"), []string{"pool 2 second"}},
		} {
			if err := step.does(step.by, t.Context(), step.doubt); err != nil {
				t.Fatalf("%s: %s: %v", name, step.what, err)
			}
			for who, by := range map[string]notes{"a": n.a, "b": n.b} {
				if got := noted(t, by, "pool"); !slices.Equal(got, step.want) {
					t.Errorf("%s: %s: %s reads %q, want %q", name, step.what, who, got, step.want)
				}
			}
		}
		if got := noted(t, n.b, "pool2"); !slices.Equal(got, []string{"pool2 3 secret"}) {
			t.Errorf("%s: of the other pool: got %q", name, got)
		}
	}
}

// Changes in doubt are kept longer than any entry, and tell nothing to who reads Redis;
// without it nobody knows.
func TestNotedChangesInRedis(t *testing.T) {
	redis, ctx := redistest.Single(t), t.Context()
	b := unled(t, server(redis.Addr()), newKeys())
	if err := b.PutPoolChange(ctx, doubtOf("pool", 1, "secret")); err != nil {
		t.Fatal(err)
	}
	if left := redis.Client().PTTL(ctx, b.PoolChangesName()).Val(); left < 47*time.Hour || left > 48*time.Hour {
		t.Errorf("got changes that are noted for %v, want 48 h", left)
	}
	for _, e := range redis.Dump() {
		for _, clear := range []string{"pool", "secret"} {
			if strings.Contains(e.String(), clear) {
				t.Errorf("got %q in clear in %s", clear, e.Key)
			}
		}
	}
	redis.Kill()
	_, read := b.PoolChangesOf(ctx, "pool")
	_, adopted := b.TakeOverPoolChanges(ctx)
	for what, err := range map[string]error{
		"note": b.PutPoolChange(ctx, doubtOf("pool", 1, "")), "replace": b.ReplacePoolChange(ctx, doubtOf("pool", 1, "")),
		"forget": b.DropPoolChange(ctx, doubtOf("pool", 1, "")), "read": read, "adopt": adopted,
	} {
		if !errors.Is(err, cache.ErrFleet) || errors.Is(err, cache.ErrLimited) {
			t.Errorf("without Redis, %s: got %v, want it not available", what, err)
		}
	}
}

// Changes that are noted are bounded, in the fleet and in a process alone: those of one pool,
// so that they leave room for those of others, and all together. One too many is refused, one
// that is noted already is not.
func TestNotedChangesAreBounded(t *testing.T) {
	redis, k, alone := redistest.Single(t), newKeys(), new(cache.PoolChanges)
	const pools = cache.MaxPoolChanges / cache.MaxChangesOfPool
	for name, both := range map[string][]notes{
		"a fleet": {unled(t, server(redis.Addr()), k), unled(t, server(redis.Addr()), k)}, "alone": {alone, alone},
	} {
		put := func(what string, by notes, pool int, n byte, limited bool) {
			t.Helper()
			err := by.PutPoolChange(t.Context(), doubtOf(fmt.Sprint("pool", pool), byte(pool)<<4|n, "{}"))
			if errors.Is(err, cache.ErrLimited) != limited || !limited && err != nil {
				t.Fatalf("%s: %s of pool %d: got %v, want it limited: %t", name, what, pool, err, limited)
			}
		}
		count := func(pool, want int) {
			t.Helper()
			if got := noted(t, both[1], fmt.Sprint("pool", pool)); len(got) != want {
				t.Errorf("%s: got %d changes of pool %d, want %d", name, len(got), pool, want)
			}
		}
		for pool := range pools {
			for n := range byte(cache.MaxChangesOfPool) {
				put("one of its share", both[n%2], pool, n, false)
			}
			put("one too many", both[0], pool, 15, true)
			put("one too many, at another broker", both[1], pool, 15, true)
			put("one of them again", both[1], pool, 0, false)
			count(pool, cache.MaxChangesOfPool)
		}
		put("the first, when all are taken,", both[0], pools, 0, true)
		count(pools, 0)
		if err := both[1].DropPoolChange(t.Context(), doubtOf("pool1", 1<<4|3, "")); err != nil {
			t.Fatal(err)
		}
		put("one too many, with room for one of all,", both[0], 0, 15, true)
		put("the first, with room for one,", both[0], pools, 0, false)
		count(0, cache.MaxChangesOfPool)
		count(1, cache.MaxChangesOfPool-1)
		count(pools, 1)
	}
}

// A change is adopted when whoever attends to it surely has no lease any more, by one
// broker; another may replace what is noted of it, and attends to nothing by that.
func TestDeadBrokersChangesAreAdopted(t *testing.T) {
	t.Parallel()
	const second = time.Second
	longAgo := -time.Hour
	for name, c := range map[string]struct {
		lease   *time.Duration // of who noted it, from now; nil: none
		stood   time.Duration  // of the table of leases
		replid  string         // of that, where it is not the server's
		own     bool           // who noted it asks
		lapsed  time.Duration  // how long a lapsed lease counts; zero: as always
		adopted bool
	}{
		"no lease":                           {stood: time.Hour, adopted: true},
		"a lease that lapsed long ago":       {lease: &longAgo, stood: time.Hour, adopted: true},
		"a lease that lapsed not long ago":   {lease: &longAgo, stood: time.Hour, lapsed: 2 * time.Hour},
		"a lease":                            {lease: new(time.Hour), stood: time.Hour},
		"a table that is new":                {stood: -time.Hour},
		"a table of another master term":     {stood: time.Hour, replid: "of-another-master"},
		"no table":                           {},
		"who asks noted it, without a lease": {stood: time.Hour, own: true},
	} {
		redis, k := redistest.Single(t), newKeys()
		dead, asks, other := unled(t, server(redis.Addr()), k), unled(t, server(redis.Addr()), k), unled(t, server(redis.Addr()), k)
		if c.own {
			asks = dead
		}
		ctx := t.Context()
		if err := dead.PutPoolChange(ctx, doubtOf("pool", 1, "first")); err != nil {
			t.Fatal(err)
		}
		if err := other.ReplacePoolChange(ctx, doubtOf("pool", 1, "replaced")); err != nil {
			t.Fatal(err)
		}
		at := func(d time.Duration) int64 { return time.Now().Add(d).UnixMilli() }
		if c.stood != 0 {
			if c.replid == "" {
				c.replid = redis.Info("replication")["master_replid"][:16]
			}
			redis.Client().ZAdd(ctx, dead.LeasesName(), z(-float64(at(-c.stood)), "@"+c.replid))
		}
		if c.lease != nil {
			redis.Client().ZAdd(ctx, dead.LeasesName(), z(float64(at(*c.lease)), dead.BrokerID()))
		}
		redis.Client().ZAdd(ctx, dead.LeasesName(),
			z(float64(at(map[bool]time.Duration{false: time.Hour, true: longAgo}[c.own])), asks.BrokerID()))
		var doubts []cache.PoolChange
		var err error
		if c.lapsed == 0 {
			doubts, err = asks.TakeOverPoolChanges(ctx)
		} else {
			doubts, err = asks.TakeOverLapsed(ctx, c.lapsed, second)
		}
		var want []string
		if c.adopted {
			want = []string{"pool 1 replaced"}
		}
		if got := textsOf(t, doubts, err); !slices.Equal(got, want) {
			t.Errorf("%s: got %q adopted, want %q", name, got, want)
		}
		if c.adopted { // by one of them: he has a lease
			doubts, err := other.TakeOverPoolChanges(ctx)
			if got := textsOf(t, doubts, err); got != nil {
				t.Errorf("%s: got %q adopted twice", name, got)
			}
		}
		if got := noted(t, other, "pool"); !slices.Equal(got, []string{"pool 1 replaced"}) {
			t.Errorf("%s: got %q noted afterwards", name, got)
		}
	}
}

// Whoever adopts a change attends to it as if it were his: when he is gone too, it is
// adopted again. What no key opens is passed over.
func TestAdoptedChangesAreAdoptedAgain(t *testing.T) {
	redis, k := redistest.Single(t), newKeys()
	stranger := newKeys()
	stranger.name = k.name
	ctx := t.Context()
	brokers := []*broker{unled(t, server(redis.Addr()), k), unled(t, server(redis.Addr()), k), unled(t, server(redis.Addr()), k)}
	theirs := unled(t, server(redis.Addr()), stranger)
	redis.Client().ZAdd(ctx, theirs.LeasesName(), z(0, "@"+redis.Info("replication")["master_replid"][:16]))
	if err := errors.Join(brokers[0].PutPoolChange(ctx, doubtOf("pool", 1, "ours")), theirs.PutPoolChange(ctx, doubtOf("pool", 2, "theirs"))); err != nil {
		t.Fatal(err)
	}
	for n, b := range brokers[1:] { // nobody has a lease
		doubts, err := b.TakeOverPoolChanges(ctx)
		if got := textsOf(t, doubts, err); !slices.Equal(got, []string{"pool 1 ours"}) {
			t.Errorf("%d: got %q adopted, want what its keys open", n, got)
		}
		if got := noted(t, b, "pool"); !slices.Equal(got, []string{"pool 1 ours"}) {
			t.Errorf("%d: got %q noted, want what its keys open", n, got)
		}
	}
}
