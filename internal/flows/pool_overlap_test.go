package flows_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Two attempts in an outage of 20 seconds cost no user a request more than the outage
// does.
func TestChangesInAnOutage(t *testing.T) {
	outage := func(t *testing.T, attempts bool, cutWithin bool) (failed int) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			defer r.Settled()
			users := newCrowd(r, 20)
			down := func(b *backend) {
				b.pool.unread = cut()
				b.fail = func(string) error { return cognito.Unavailable(errors.New("down")) }
			}
			r.losing(false)
			if cutWithin { // it begins within the change
				r.backend.set(func(b *backend) { b.before = func(string) { b.set(down) } })
			} else {
				r.backend.set(down)
			}
			for second := range 20 {
				if attempts && (second == 1 || second == 9) {
					if err := r.setRoles("new"); err == nil {
						t.Error("got no error")
					}
				}
				_, _, f := users.ask()
				failed += f
				time.Sleep(time.Second)
			}
			r.well()
			r.backend.set(func(b *backend) { b.pool.unread, b.fail, b.before = nil, nil, nil })
			time.Sleep(time.Minute)
			r.Settled()
			if hits, _, _ := users.ask(); hits != 20 {
				t.Errorf("afterwards: got %d hits, want all", hits)
			}
		})
		return failed
	}
	for _, within := range []bool{false, true} {
		if without, with := outage(t, false, false), outage(t, true, within); with != without || with != 0 {
			t.Errorf("requests that failed: got %d, and %d without the attempts (outage within one: %t)", with, without, within)
		}
	}
}

// A change that is answered after one in pool change ends what was before it, and the pool change
// goes on: the first may arrive yet.
func TestUnknownOutcomeBeforeAnAnsweredChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		users := newCrowd(r, 20)
		r.losing(false)
		if err := r.setRoles("first"); err == nil {
			t.Fatal("got no error")
		}
		time.Sleep(2 * time.Second)
		r.well()
		if err := r.setRoles("second"); err != nil {
			t.Fatal(err)
		}
		if _, roles, _ := users.ask(); roles["second"] != 20 {
			t.Errorf("when the second is answered: got %v", roles)
		}
		time.Sleep(10 * time.Second)
		users.ask()
		r.backend.set(func(b *backend) { b.pool.role = "first" }) // which arrives at last
		if role, _, _ := (crowd{r, 99}).one(50); role != "first" {
			t.Errorf("who was not served before: got %s", role)
		}
		if _, roles, _ := users.ask(); roles["first"] != 20 {
			t.Errorf("after somebody got the first's role: got %v, want it for all", roles)
		}
		time.Sleep(time.Minute)
		r.Settled()
	})
}

// Of two changes at the same time, one refused and one made, all is as after the one.
func TestOverlappingPoolChanges(t *testing.T) {
	t.Parallel()
	for _, inner := range []error{nil, cognito.TooManyRequests("slow"), cut()} {
		for _, outer := range []error{nil, cognito.TooManyRequests("slow"), cut()} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				users := newCrowd(r, 20)
				answer := func(err error, do func()) error {
					if err == nil || !cognito.Unmade(err) {
						do()
					}
					return err
				}
				r.backend.set(func(b *backend) {
					b.pool.outcome = func(_ string, do func()) error {
						r.backend.set(func(b *backend) {
							b.pool.outcome = func(_ string, do func()) error { return answer(inner, do) }
						})
						_ = r.setRoles("inner")
						users.ask()
						return answer(outer, do)
					}
				})
				_ = r.setRoles("outer")
				synctest.Wait()
				time.Sleep(time.Second)
				r.backend.mu.Lock()
				want := sessionOf(r.backend.pool.role)
				r.backend.mu.Unlock()
				hits, roles, _ := users.ask()
				if roles[want] != 20 || want == "t" && hits != 20 {
					t.Errorf("inner %v, outer %v: got %d hits and %v, want %s for all", inner, outer, hits, roles, want)
				}
				time.Sleep(time.Minute)
				r.Settled()
			})
		}
	}
}
