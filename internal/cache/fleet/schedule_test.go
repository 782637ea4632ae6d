package fleet_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// planner is a broker's share that schedules renewals, on a clock that a test sets.
type planner struct {
	*fleet.Fleet
	epochs *cache.Epochs
	clock  *clock
}

// clock stands still until a test moves it.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.UnixMilli(time.Now().UnixMilli())} }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

func plan(t testing.TB, s fleet.Server, k keys, c *clock) *planner {
	t.Helper()
	s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute // that a busy machine fails nothing
	f, err := fleet.New(fleet.Config{
		Server: s, Keys: [][]byte{k.seal}, NameKey: k.name, FenceLife: 10 * time.Second, Observer: silent{},
		Skew: func() time.Duration { return time.Until(c.now) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	p := &planner{Fleet: f, epochs: cache.NewEpochs(), clock: c}
	p.epochs.ShareWith(f)
	f.OnInvalidation(p.epochs.End)
	return p
}

// entry is an entry of an identity that was issued then, and lives an hour.
func (p *planner) entry(ctx context.Context, id string, issued time.Time) (*cache.Entry, error) {
	stamp, err := p.Stamp(ctx, p.epochs.Read(cache.IdentityScope(id), pool))
	return &cache.Entry{Issued: issued, Stamp: stamp, Jitter: 0.5, Credentials: cache.Credentials{IdentityID: id, Expires: issued.Add(time.Hour)}}, err
}

// told reports one use of an entry, with renewal request.
func (p *planner) told(t testing.TB, r cache.UsageReport) cache.SharedUsage {
	t.Helper()
	told, err := p.ReportUsage(t.Context(), []cache.UsageReport{r})
	if err != nil {
		t.Fatal(err)
	}
	return told[0]
}

func once(id string, e *cache.Entry, at time.Time) cache.UsageReport {
	return cache.UsageReport{Key: keyOf(id), Entry: e, Call: []byte("call of " + id), Usage: cache.Usage{Serves: 1, ServedAt: at, AskedAt: at}}
}

// want claims up to n and compares whose they are, and returns them by their names.
func (p *planner) want(t testing.TB, n int, names ...string) []cache.RenewalClaim {
	t.Helper()
	claims, err := p.ClaimRenewals(t.Context(), n, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	got := claims.Claimed
	slices.SortFunc(got, func(a, b cache.RenewalClaim) int { return strings.Compare(claimed(a), claimed(b)) })
	if !slices.EqualFunc(got, names, func(c cache.RenewalClaim, name string) bool { return claimed(c) == name }) {
		var whose []string
		for _, c := range got {
			whose = append(whose, claimed(c))
		}
		t.Fatalf("got claims of %q, want %q", whose, names)
	}
	return got
}

// claimed is whose entry a claim is of.
func claimed(c cache.RenewalClaim) string {
	if c.Request == nil {
		return "nobody"
	}
	return strings.TrimPrefix(string(c.Request.Call), "call of ")
}

// settle ends a claim.
func (p *planner) settle(t testing.TB, c cache.RenewalClaim, at time.Time) {
	t.Helper()
	if err := p.SettleRenewal(t.Context(), c, at); err != nil {
		t.Fatal(err)
	}
}

// Two brokers share a schedule: what comes up is claimed by one of them, and comes
// up again when he does not settle it.
func TestScheduleIsShared(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) fleet.Server{
		"single":  func(t testing.TB) fleet.Server { return server(redistest.Single(t).Addr()) },
		"cluster": func(t testing.TB) fleet.Server { return server(redistest.Cluster(t).Addrs()...) },
	} {
		t.Run(name, func(t *testing.T) {
			c, s, k := newClock(), start(t), newKeys()
			a, b := plan(t, s, k, c), plan(t, s, k, c)
			for i := range 6 { // due after 36 minutes, one after the other
				id := fmt.Sprint(i)
				e, err := a.entry(t.Context(), id, c.now.Add(time.Duration(i)*time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				if told := a.told(t, once(id, e, c.now)); told.Usage.Serves != 1 || told.RequestExpires.IsZero() {
					t.Fatalf("got %+v, want one hand-out and material", told)
				}
			}
			a.want(t, 100)
			c.pass(38*time.Minute + 30*time.Second)
			a.want(t, 1, "0")
			b.want(t, 1, "1")
			two := b.want(t, 100, "2")
			a.want(t, 100)
			b.settle(t, two[0], c.now.Add(time.Hour))
			c.pass(70 * time.Second) // the claims lapse, and 3 comes up
			again := b.want(t, 100, "0", "1", "3")
			b.settle(t, again[0], time.Time{})
			b.settle(t, again[1], c.now.Add(40*time.Second))
			c.pass(70 * time.Second)
			a.want(t, 100, "1", "3", "4")
			c.pass(time.Hour)
			a.want(t, 100, "1", "2", "3", "4", "5") // 1, 3 and 4 by claims that lapsed
		})
	}
}

// A report while an entry is claimed is not lost to what the claimer decides: it
// comes up again when the claim lapses.
func TestReportDuringAClaim(t *testing.T) {
	for name, later := range map[string]time.Duration{"never again": 0, "later": time.Hour} {
		c := newClock()
		p := plan(t, server(redistest.Single(t).Addr()), newKeys(), c)
		next := func() time.Time {
			if later == 0 {
				return time.Time{}
			}
			return c.now.Add(later)
		}
		e, err := p.entry(t.Context(), "x", c.now)
		if err != nil {
			t.Fatal(err)
		}
		p.told(t, once("x", e, c.now))
		c.pass(37 * time.Minute)
		first := p.want(t, 10, "x")
		p.told(t, once("x", e, c.now))
		p.want(t, 10)
		p.settle(t, first[0], next())
		c.pass(61 * time.Second)
		second := p.want(t, 10, "x")
		if got := second[0].Usage.Usage.Serves; got != 2 {
			t.Errorf("%s: got it served %d times, want 2", name, got)
		}
		p.settle(t, first[0], next()) // lapsed
		c.pass(61 * time.Second)
		p.want(t, 10, "x")
	}
}

// What all brokers told of an entry's use does not depend on the order in which
// it arrives, nor on what arrives twice.
func TestUsageIsMerged(t *testing.T) {
	c := newClock()
	p := plan(t, server(redistest.Single(t).Addr()), newKeys(), c)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		id := fmt.Sprint("merged", n)
		replaced, _ := p.entry(t.Context(), id, c.now.Add(-time.Minute))
		entry, err := p.entry(t.Context(), id, c.now)
		if err != nil {
			rt.Fatal(err)
		}
		reports := []cache.UsageReport{{Key: keyOf(id), Entry: entry}}
		for range rapid.IntRange(0, 4).Draw(rt, "brokers") {
			r := cache.UsageReport{Key: keyOf(id), Entry: entry}
			if rapid.IntRange(0, 3).Draw(rt, "older") == 0 {
				r.Entry = replaced
			}
			if r.Usage.Serves = int64(rapid.IntRange(0, 3).Draw(rt, "hand-outs")); r.Usage.Serves > 0 {
				r.Usage.ServedAt = c.now.Add(time.Duration(rapid.IntRange(1, 5).Draw(rt, "last")) * time.Second)
			}
			r.Usage.AskedAt = later(r.Usage.ServedAt, c.now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(rt, "asked"))*time.Second))
			r.Usage.Floor = time.Duration(rapid.IntRange(0, 3).Draw(rt, "floor")) * time.Minute
			reports = append(reports, r)
		}
		var told []cache.SharedUsage
		for _, r := range rapid.Permutation(slices.Concat(reports, reports)).Draw(rt, "order") {
			if told, err = p.ReportUsage(t.Context(), []cache.UsageReport{r}); err != nil {
				rt.Fatal(err)
			}
		}
		if got, want := told[0].Usage, together(reports, entry); got != want {
			rt.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

// together is what reports say of an entry's use.
func together(reports []cache.UsageReport, e *cache.Entry) (u cache.Usage) {
	lasts := map[time.Time]bool{}
	for _, r := range reports {
		u.AskedAt = later(u.AskedAt, r.Usage.AskedAt)
		if r.Entry != e {
			continue
		}
		u.Serves, u.Floor = max(u.Serves, min(2, r.Usage.Serves)), max(u.Floor, r.Usage.Floor)
		if u.ServedAt = later(u.ServedAt, r.Usage.ServedAt); r.Usage.Serves > 0 {
			lasts[r.Usage.ServedAt] = true
		}
	}
	if len(lasts) > 1 {
		u.Serves = 2
	}
	return u
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
