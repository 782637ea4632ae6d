package fleet_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/redistest"
)

func z(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }

// commands counts the commands, also those within scripts, that a server runs for
// something. Brokers beside it keep their leases meanwhile.
func commands(t testing.TB, s *redistest.Server, do func()) int {
	t.Helper()
	return callsOf(t, s, "", do)
}

// callsOf is commands for those whose names begin so.
func callsOf(t testing.TB, s *redistest.Server, name string, do func()) int {
	t.Helper()
	count := func() (n int) {
		info, err := s.Client().Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, calls := range regexp.MustCompile(`cmdstat_`+name+`[^:]*:calls=(\d+)`).FindAllStringSubmatch(info, -1) {
			one, _ := strconv.Atoi(calls[1])
			n += one
		}
		return n
	}
	before := count()
	do()
	return count() - before
}

// overfill makes a hash of many fields.
func overfill(t testing.TB, s *redistest.Server, name, value string) {
	t.Helper()
	fields := make([]any, 0, 2*enormous)
	for n := range enormous {
		fields = append(fields, fmt.Sprint("l:", n), value)
	}
	if err := s.Client().HSet(t.Context(), name, fields...).Err(); err != nil {
		t.Fatal(err)
	}
}

// enormous is far more than brokers ever keep under one name.
const enormous = 5000

// rootOf begins the names of a scope.
func (b *broker) rootOf(scope cache.Scope) string { return strings.TrimSuffix(b.EpochName(scope), "v") }

// A hash of owners that no broker made is not read, and nothing is concluded from it:
// what a call brought whose owner cannot be noted is not kept.
func TestFarTooManyOwners(t *testing.T) {
	s := redistest.Single(t)
	b := join(t, server(s.Addr()), newKeys()).leased(t)
	login := cache.LoginScope("idp", "user")
	overfill(t, s, b.rootOf(login)+"o", "12345678")
	var err error
	if got := callsOf(t, s, "hgetall", func() { _, err = b.AddOwner(t.Context(), login, "p", "x") }); got > 0 {
		t.Errorf("got %d readings of whole hashes, want none of this one", got)
	}
	if !errors.Is(err, cache.ErrFleet) {
		t.Errorf("got %v, want it not available", err)
	}
	if got := s.Client().HLen(t.Context(), b.rootOf(login)+"o").Val(); got != enormous {
		t.Errorf("got %d owners, want all %d left to lapse", got, enormous)
	}
}

// Of owners whose number is within what may be read, all but the last go at once, in the
// order in which they were told.
func TestTooManyOwnersShrinkToTheBound(t *testing.T) {
	s := redistest.Single(t)
	b := join(t, server(s.Addr()), newKeys()).leased(t)
	login := cache.LoginScope("idp", "user")
	name := b.rootOf(login) + "o"
	for n := range 30 {
		told := binary.BigEndian.AppendUint64(nil, uint64(1+(n*7)%30)) // in no order
		s.Client().HSet(t.Context(), name, fmt.Sprint((n*7)%30), string(told)+"sealed")
	}
	if _, err := b.AddOwner(t.Context(), login, "p", "x"); err != nil {
		t.Fatal(err)
	}
	left := s.Client().HKeys(t.Context(), name).Val()
	if len(left) != 16 || slices.Contains(left, "14") || !slices.Contains(left, "15") || !slices.Contains(left, "29") {
		t.Errorf("got %v, want the last fifteen and the new one", left)
	}
}

// A table of leases that is larger than any fleet's begins anew, and those who may have
// a lease are waited for.
func TestFarTooManyLeases(t *testing.T) {
	t.Parallel()
	s := redistest.Single(t)
	b := join(t, server(s.Addr()), newKeys()).leased(t)
	table := s.Client().Keys(t.Context(), "b2:*:leases").Val()[0]
	holders := make([]redis.Z, enormous)
	for n := range holders {
		holders[n] = z(1e14, fmt.Sprint(n))
	}
	if err := s.Client().ZAdd(t.Context(), table, holders...).Err(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	fence, err := b.epochs.Fence(t.Context(), cache.IdentityScope("x"))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("the fence: got it after %v, want it to wait for those who may have a lease", took)
	}
	if _, err := fence.Done(); err != nil {
		t.Error(err)
	}
	if got := s.Client().ZCard(t.Context(), table).Val(); got > 10 {
		t.Errorf("got a table of %d, want one that began anew", got)
	}
}

// So many fences may be open around a scope, and no more; those that lapse make room.
func TestFencesAreBounded(t *testing.T) {
	t.Parallel()
	s := redistest.Single(t)
	b := join(t, server(s.Addr()), newKeys()).leased(t)
	scope := cache.IdentityScope("x")
	open := func(n int, until time.Time) {
		v := strings.Repeat("e", 32)
		for i := range n {
			v += fmt.Sprintf("%016d", i) + string(binary.BigEndian.AppendUint64(nil, uint64(until.UnixMilli())))
		}
		s.Client().Set(t.Context(), b.EpochName(scope), v, time.Hour)
	}
	for _, test := range []struct {
		open  int
		until time.Time
		want  bool
	}{
		{fence.MaxFences - 1, time.Now().Add(time.Hour), true},
		{fence.MaxFences, time.Now().Add(time.Hour), false},
		{fence.MaxFences + 10, time.Now().Add(time.Hour), false},
		{fence.MaxFences + 10, time.Now().Add(-time.Hour), true},
	} {
		open(test.open, test.until)
		fence, err := b.epochs.Fence(t.Context(), scope)
		if (err == nil) != test.want || err != nil && !errors.Is(err, cache.ErrFleet) {
			t.Errorf("%d open fences: got %v, want another one: %v", test.open, err, test.want)
		}
		if err == nil {
			fence.Cancel()
		}
	}
}

// Records of use that no broker made are not read: nothing is noted beside them, and a
// fence drops them whole.
func TestFarTooManyUsages(t *testing.T) {
	t.Parallel()
	s := redistest.Single(t)
	b := join(t, server(s.Addr()), newKeys()).leased(t)
	scope, now := cache.IdentityScope("x"), time.Now()
	stamp, err := b.Stamp(t.Context(), b.epochs.Read(scope, pool))
	if err != nil {
		t.Fatal(err)
	}
	overfill(t, s, b.rootOf(scope)+"u", strings.Repeat("\x00", 56))
	e := &cache.Entry{Issued: now, Stamp: stamp, Credentials: cache.Credentials{IdentityID: "x", Expires: now.Add(time.Hour)}}
	work := commands(t, s, func() {
		if told, err := b.ReportUsage(t.Context(), []cache.UsageReport{once("x", e, now)}); err != nil || !told[0].Issued.IsZero() {
			t.Errorf("a report: got %v %v, want nothing noted", told, err)
		}
		b.change(t, scope)
	})
	if work > enormous/2 {
		t.Errorf("got %d commands, want a few", work)
	}
	if got := s.Client().Exists(t.Context(), b.rootOf(scope)+"u").Val(); got != 0 {
		t.Error("after the fence: got the uses still there, want them dropped")
	}
}

// However many renewals are reported or claimed at once, a script has a bound.
func TestScheduleIsBounded(t *testing.T) {
	t.Parallel()
	s, c := redistest.Single(t), newClock()
	p := plan(t, server(s.Addr()), newKeys(), c)
	const many = 600
	var reports []cache.UsageReport
	for n := range many {
		id := fmt.Sprint("identity ", n)
		e, err := p.entry(t.Context(), id, c.now)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, once(id, e, c.now))
	}
	scheduled := callsOf(t, s, "zscore", func() {
		if _, err := p.ReportUsage(t.Context(), reports); err != nil {
			t.Fatal(err)
		}
	})
	if scheduled < 2*many || scheduled > 2*many+many/10 { // both sets, and a few leases
		t.Errorf("got %d looks at the schedule for %d entries, want two for each", scheduled, many)
	}
	c.pass(40 * time.Minute)
	for _, want := range []int{256, 256, many - 512, 0} {
		claims, err := p.ClaimRenewals(t.Context(), 100_000, time.Minute)
		if err != nil || len(claims.Claimed) != want {
			t.Fatalf("got %d claims (%v), want %d", len(claims.Claimed), err, want)
		}
	}
}
