package flows

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// followed is what keeps entries that are renewed ahead.
type followed interface {
	follow(e *cache.Entry, sub subject)
	count() int
}

func (r *renewals) follow(e *cache.Entry, sub subject) { r.put(e, sub) }
func (r *renewals) count() int                         { return len(r.by) }

func (u *uses) follow(e *cache.Entry, sub subject) { u.note(e, sub, e.Issued) }
func (u *uses) count() int                         { return len(u.by) }

// One home has a few of its entries followed, however many it makes; so it takes no
// place from others. What ends makes room.
func TestFollowedEntriesAreBoundedByHome(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	epochs := cache.NewEpochs()
	entry := func(home cache.Scope) *cache.Entry {
		return &cache.Entry{Issued: start, Stamp: epochs.Read(home), Credentials: cache.Credentials{Expires: start.Add(time.Hour)}}
	}
	key := func(home string, n int) cache.Key { return cache.Key{home[0], byte(n >> 8), byte(n)} }
	for name, made := range map[string]struct {
		all  followed
		ends func(all followed)
	}{
		"by this process": {newRenewals(100), func(all followed) {
			for n := range 3 * maxRenewed {
				all.(*renewals).take(key("x", n))
			}
		}},
		"by a fleet": {newUses(time.Minute, 100), func(all followed) {
			epochs.End("x")
			all.(*uses).sweep(start)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			follow := func(home string, many int) {
				for n := range many {
					for range 2 { // the second time it is known
						made.all.follow(entry(cache.Scope(home)), subject{scope: cache.Scope(home), key: key(home, n)})
					}
				}
			}
			wants := func(when string, want int) {
				t.Helper()
				if got := made.all.count(); got != want {
					t.Errorf("%s: got %d followed, want %d", when, got, want)
				}
			}
			follow("x", 3*maxRenewed)
			wants("one home", maxRenewed)
			follow("y", 3)
			wants("another beside it", maxRenewed+3)
			made.ends(made.all)
			wants("after the first ended", 3)
			follow("x", 3*maxRenewed)
			wants("when it comes again", maxRenewed+3)
		})
	}
}
