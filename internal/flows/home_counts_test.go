package flows

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// followed is what keeps entries that are renewed ahead.
type followed interface {
	follow(e *cache.Entry, q query)
	count() int
}

func (m *memorySchedule) follow(e *cache.Entry, q query) { m.record(e, q) }
func (m *memorySchedule) count() int                     { return len(m.by) }

func (u *usageReports) follow(e *cache.Entry, q query) { u.record(e, q, e.Issued) }
func (u *usageReports) count() int                     { return len(u.by) }

// One home has a few of its entries followed, however many it makes; so it takes no
// place from others. What ends makes room.
func TestFollowedEntriesAreBoundedByHome(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	now := func() time.Time { return start }
	epochs := cache.NewEpochs()
	entry := func(home cache.Scope) *cache.Entry {
		return &cache.Entry{
			Issued: start, Stamp: epochs.Read(home), Credentials: cache.Credentials{Expires: start.Add(time.Hour)},
		}
	}
	key := func(home string, n int) cache.Key { return cache.Key{home[0], byte(n >> 8), byte(n)} }
	for name, made := range map[string]struct {
		all  followed
		ends func(all followed)
	}{
		"by this process": {newMemorySchedule(&Config{MaxRenewals: 100, Now: now}), func(all followed) {
			m := all.(*memorySchedule)
			for n := range 3 * maxRenewedOfHome {
				m.times.Put(key("x", n), start)
			}
			m.claim(t.Context(), 3*maxRenewedOfHome)
		}},
		"by a fleet": {newUsageReports(time.Minute, 100), func(all followed) {
			epochs.End("x")
			all.(*usageReports).sweep(start)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			follow := func(home string, many int) {
				for n := range many {
					for range 2 { // the second time it is known
						made.all.follow(entry(cache.Scope(home)), query{scope: cache.Scope(home), key: key(home, n), renewable: true})
					}
				}
			}
			wants := func(when string, want int) {
				t.Helper()
				if got := made.all.count(); got != want {
					t.Errorf("%s: got %d followed, want %d", when, got, want)
				}
			}
			follow("x", 3*maxRenewedOfHome)
			wants("one home", maxRenewedOfHome)
			follow("y", 3)
			wants("another beside it", maxRenewedOfHome+3)
			made.ends(made.all)
			wants("after the first ended", 3)
			follow("x", 3*maxRenewedOfHome)
			wants("when it comes again", maxRenewedOfHome+3)
		})
	}
}
