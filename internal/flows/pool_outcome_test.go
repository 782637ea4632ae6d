package flows_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

var forbidden = smithy.GenericAPIError{Code: cognito.CodeAccessDenied, Message: "no", Fault: smithy.FaultClient}

// losing makes changes whose answer is lost; made says whether each is made.
func (r *rig) losing(made bool) {
	r.backend.set(func(b *backend) {
		b.pool.outcome = func(_ string, do func()) error {
			if made {
				do()
			}
			return cut()
		}
	})
}

// well makes changes that are answered.
func (r *rig) well() { r.backend.set(func(b *backend) { b.pool.outcome = nil }) }

// A change of unknown outcome that was not made ends nothing, and is settled by a few
// readings.
func TestUnknownOutcomeOfWhatWasNotMade(t *testing.T) {
	t.Parallel()
	for operation, change := range poolChanges {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				users := newCrowd(r, 60)
				r.losing(false)
				if err := change(r, "new"); cognito.Public(err).ErrorCode() != cognito.CodeInternal {
					t.Errorf("got %v, want a fault", err)
				}
				for range 30 {
					if hits, _, _ := users.ask(); hits != 60 {
						t.Fatalf("users with a hit: got %d, want all", hits)
					}
					time.Sleep(time.Second)
				}
				r.Settled()
				if hits := users.known(); hits != 20 {
					t.Errorf("logins whose identity is known: got %d, want all", hits)
				}
				if reads := r.backend.pool.reads.Load(); reads > 12 {
					t.Errorf("readings: got %d, want a few", reads)
				}
			})
		})
	}
}

// One that was made ends what it changed as soon as the pool is read.
func TestUnknownOutcomeOfWhatWasMade(t *testing.T) {
	t.Parallel()
	for operation, change := range poolChanges {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				users := newCrowd(r, 60)
				r.losing(true)
				if err := change(r, "new"); cognito.Public(err).ErrorCode() != cognito.CodeInternal {
					t.Errorf("got %v, want a fault", err)
				}
				synctest.Wait() // the first reading takes no time
				if hits, roles, _ := users.ask(); hits != 0 {
					t.Errorf("users with a hit: got %d, roles %v; want none", hits, roles)
				}
				if hits, _, _ := users.ask(); hits != 60 {
					t.Errorf("asked again: got %d hits, want all", hits)
				}
				time.Sleep(time.Minute)
				if hits, _, _ := users.ask(); hits != 60 {
					t.Errorf("later: got %d hits, want all", hits)
				}
			})
		})
	}
}

// One that arrives late is found by whoever is answered from the state after it, before
// he gets his answer.
func TestUnknownOutcomeOfWhatArrivesLate(t *testing.T) {
	for _, after := range []time.Duration{100 * time.Millisecond, 3 * time.Second, 24 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			defer r.Settled()
			users := newCrowd(r, 20)
			r.losing(false)
			if err := r.setRoles("new"); err == nil {
				t.Fatal("got no error")
			}
			time.Sleep(after)
			r.backend.set(func(b *backend) { b.pool.role = "new" })
			for n := range 20 { // each served once may be from before, until one is not
				if role, hit, err := users.one(n); role != "t" || !hit || err != nil {
					t.Fatalf("user %d: got %s, a hit %t, %v", n, role, hit, err)
				}
			}
			if role, hit, err := (crowd{r, 99}).one(50); role != "new" || hit || err != nil {
				t.Errorf("who was not served before: got %s, a hit %t, %v", role, hit, err)
			}
			if _, roles, _ := users.ask(); roles["new"] != 20 {
				t.Errorf("after somebody got the new role: got %v, want it for all", roles)
			}
			time.Sleep(time.Minute)
			r.Settled()
		})
	}
}

// Nobody gets what a change brought while it is not answered, before what others are
// served has ended.
func TestExchangesWithinAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		users := newCrowd(r, 20)
		r.backend.set(func(b *backend) {
			b.pool.outcome = func(_ string, do func()) error {
				if hits, _, _ := users.ask(); hits != 20 {
					t.Errorf("before it is made: got %d hits, want all", hits)
				}
				if role, _, err := (crowd{r, 99}).one(50); role != "t" || err != nil {
					t.Errorf("before it is made: got %s, %v", role, err)
				}
				do()
				if role, _, err := (crowd{r, 99}).one(51); role != "new" || err != nil {
					t.Errorf("when it is made: got %s, %v", role, err)
				}
				if _, roles, _ := users.ask(); roles["new"] != 20 {
					t.Errorf("when somebody has the new role: got %v, want it for all", roles)
				}
				return nil
			}
		})
		if err := r.setRoles("new"); err != nil {
			t.Error(err)
		}
		if _, roles, _ := users.ask(); roles["new"] != 20 {
			t.Errorf("when it is answered: got %v, want the new role for all", roles)
		}
	})
}

// A reading that began before an answer was there says nothing of it: who waits shares
// the next one.
func TestReadingsBeginAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		users := newCrowd(r, 20)
		r.losing(false)
		r.backend.set(func(b *backend) {
			b.before = func(string) { b.set(func(b *backend) { b.pool.read = func() { time.Sleep(2 * time.Second) } }) }
		})
		if err := r.setRoles("new"); err == nil {
			t.Fatal("got no error")
		}
		time.Sleep(time.Second) // the first reading has seen the pool, and is not back
		r.backend.set(func(b *backend) { b.pool.role = "new" })
		var served []<-chan string
		for n := range 5 {
			answer := make(chan string, 1)
			go func() { role, _, _ := (crowd{r, 99}).one(50 + n); answer <- role }()
			served = append(served, answer)
		}
		reads := r.backend.pool.reads.Load()
		time.Sleep(1500 * time.Millisecond) // the first is back
		for n := range 20 {
			if role, hit, err := users.one(n); role != "t" || !hit || err != nil {
				t.Fatalf("user %d: got %s, a hit %t, %v", n, role, hit, err)
			}
		}
		for n, answer := range served {
			select {
			case role := <-answer:
				t.Errorf("client %d: got %s while others are served from before", n, role)
			default:
			}
		}
		time.Sleep(1900 * time.Millisecond) // the second is back, and a third has not begun
		for n, answer := range served {
			if role := <-answer; role != "new" {
				t.Errorf("client %d: got %s", n, role)
			}
		}
		if got := r.backend.pool.reads.Load() - reads; got != 1 {
			t.Errorf("readings for five clients: got %d, want one", got)
		}
		if _, roles, _ := users.ask(); roles["new"] != 20 {
			t.Errorf("when they are served: got %v, want the new role for all", roles)
		}
	})
}

// Who reads the pool through the broker and sees the change knows of it.
func TestUnknownOutcomeIsReadByAnAdministrator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		users := newCrowd(r, 20)
		r.losing(false)
		if err := r.setRoles("new"); err == nil {
			t.Fatal("got no error")
		}
		time.Sleep(5 * time.Second)
		r.backend.set(func(b *backend) { b.pool.role = "new" })
		out, err := r.GetIdentityPoolRoles(t.Context(), rolesInput())
		if err != nil || out.Roles["authenticated"] != "new" {
			t.Fatalf("got %v, %v", out, err)
		}
		if _, roles, _ := users.ask(); roles["new"] != 20 {
			t.Errorf("got %v, want the new role for all", roles)
		}
		time.Sleep(time.Minute)
		r.Settled()
	})
}

// Where the pool cannot be read, an answer of the backend's ends what others
// would be served, and nothing is kept as long as the change may be made.
func TestUnknownOutcomeThatCannotBeRead(t *testing.T) {
	for name, unread := range map[string]error{"throttled": cognito.TooManyRequests("slow"), "denied": &forbidden} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				told := 0
				r.Unreadable = func(string, error) { told++ }
				users := newCrowd(r, 20)
				r.losing(false)
				r.backend.set(func(b *backend) {
					b.before = func(string) { b.set(func(b *backend) { b.pool.unread = unread }) }
				})
				if err := r.setRoles("new"); err == nil {
					t.Fatal("got no error")
				}
				synctest.Wait()
				// Of a reading that is refused another will be too: what it could not tell ends at once.
				wantHits, wantTold := map[string]int{"throttled": 20}[name], map[string]int{"denied": 1}[name]
				if hits, _, _ := users.ask(); hits != wantHits || told != wantTold {
					t.Errorf(
						"while nobody was answered: got %d hits, and told %d times that the pool may not be read; want %d and %d",
						hits, told, wantHits, wantTold,
					)
				}
				r.backend.set(func(b *backend) { b.pool.role = "new" }) // it arrives
				if role, _, err := (crowd{r, 99}).one(50); role != "new" || err != nil {
					t.Errorf("who was not served before: got %s, %v; want the new role", role, err)
				}
				for range 2 {
					if hits, roles, _ := users.ask(); hits != 0 || roles["new"] != 20 {
						t.Errorf("afterwards: got %d hits and %v, want the new role for all from exchanges", hits, roles)
					}
				}
				time.Sleep(26 * time.Second)
				users.ask()
				if hits, _, _ := users.ask(); hits != 20 {
					t.Errorf("when it cannot be made any more: got %d hits, want all", hits)
				}
				time.Sleep(time.Minute)
				r.Settled()
			})
		})
	}
}

// A reading that began while the change could be made yet is not the last: it may be made
// before that reading is back.
func TestLastReadingOfAPoolChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		users := newCrowd(r, 20)
		r.losing(false)
		if err := r.setRoles("new"); err == nil {
			t.Fatal("got no error")
		}
		end := time.Now().Add(25 * time.Second) // until then it may be made
		var slow atomic.Int32
		r.backend.set(func(b *backend) {
			b.pool.read = func() {
				if left := time.Until(end); 0 < left && left < 2*time.Second {
					slow.Add(1)
					time.Sleep(left + time.Second)
				}
			}
		})
		time.Sleep(time.Until(end) - 100*time.Millisecond)
		r.backend.set(func(b *backend) { b.pool.role = "new" })
		time.Sleep(2 * time.Second)
		if slow.Load() != 1 {
			t.Fatalf("readings that are back after the end: got %d, want one", slow.Load())
		}
		if role, _, err := (crowd{r, 99}).one(50); role != "new" || err != nil {
			t.Errorf("who was not served before: got %s, %v", role, err)
		}
		if _, roles, _ := users.ask(); roles["new"] != 20 {
			t.Errorf("after somebody got the new role: got %v, want it for all", roles)
		}
		time.Sleep(time.Minute)
		r.Settled()
	})
}

// A broker that is being stopped begins no readings: an answer of its backend's ends at once
// what others would be served.
func TestUnknownOutcomeAtABrokerThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		users := newCrowd(r, 20)
		r.losing(false)
		if err := r.setRoles("new"); err == nil {
			t.Fatal("got no error")
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.backend.set(func(b *backend) { b.pool.role = "new" })
		began := time.Now()
		if role, _, err := (crowd{r, 99}).one(50); role != "new" || err != nil || time.Since(began) != 0 {
			t.Errorf("who was not served before: got %s, %v, after %v; want the new role at once", role, err, time.Since(began))
		}
		if _, roles, _ := users.ask(); roles["new"] != 20 {
			t.Errorf("after somebody got the new role: got %v, want it for all", roles)
		}
	})
}

// Where what others are served cannot be ended, nobody gets what a change brought.
func TestUnknownOutcomeThatCannotBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
		r.Epochs.ShareWith(fleet)
		r.losing(false)
		if err := r.setRoles("new"); err == nil {
			t.Fatal("got no error")
		}
		r.backend.set(func(b *backend) { b.pool.role = "new" })
		fleet.set(true)
		if role, _, err := (crowd{r, 99}).one(50); !errors.Is(err, cognito.ErrUnavailable) {
			t.Errorf("got %s, %v; want %v", role, err, cognito.ErrUnavailable)
		}
		fleet.set(false)
		if role, _, err := (crowd{r, 99}).one(50); role != "new" || err != nil {
			t.Errorf("when it can: got %s, %v", role, err)
		}
		time.Sleep(time.Minute)
	})
}
