package flows_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// An end waits for the backend to answer for its own identity: others, of another region for one,
// neither bring it forward nor hold it up. After ten minutes it waits for the backend to answer at all.
func TestEndsWaitForTheirOwnIdentity(t *testing.T) {
	t.Parallel()
	for name, mine := range map[string]bool{"mine answers": true, "others do": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.backend.set(func(b *backend) {
					b.changes = cognito.Internal()
					b.refuseID = func(id string) error {
						if (id == user) == mine {
							return nil
						}
						return cognito.Internal()
					}
				})
				for n := range 500 {
					_ = attempts["unlink with a foreign login"](t.Context(), r, nobody0(n))
				}
				_ = attempts["unlink with a foreign login"](t.Context(), r, user)
				time.Sleep(5 * time.Minute)
				info := flows.CallInfo{}
				got, err := r.ask(user, "a1", &info)
				if want := map[bool]flows.Outcome{true: flows.Miss, false: flows.Hit}[mine]; err != nil || info.Outcome != want {
					t.Errorf("got %s %s %v, want %s", got, info.Outcome, err, want)
				}
				if mine {
					return
				}
				time.Sleep(7 * time.Minute) // overdue: the backend answers for others
				r.backend.set(func(b *backend) { b.refuseID = nil })
				if got, err := r.ask(user, "a1", &info); err != nil || info.Outcome != flows.Miss {
					t.Errorf("overdue: got %s %s %v, want a miss", got, info.Outcome, err)
				}
			})
		})
	}
}

// The backend answers when it does so three times in a row.
func TestEndsWaitForAnswersInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		var asked atomic.Int32
		r.backend.set(func(b *backend) {
			b.changes = cognito.Internal()
			b.refuseID = func(string) error {
				if asked.Add(1)%3 == 0 {
					return cognito.Internal()
				}
				return nil
			}
		})
		_ = attempts["unlink with a foreign login"](t.Context(), r, user)
		time.Sleep(5 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{})
		if asked.Load() < 9 {
			t.Errorf("asked %d times, want again and again", asked.Load())
		}
		r.backend.set(func(b *backend) { b.refuseID = nil })
		time.Sleep(time.Minute)
		info := flows.CallInfo{}
		if _, err := r.ask(user, "a1", &info); err != nil || info.Outcome != flows.Miss {
			t.Errorf("got %s %v, want a miss", info.Outcome, err)
		}
	})
}

// Nobody fills the room for ends: an address whose calls have no outcome has a limit, and for
// identities that nobody has met there is nothing to end.
func TestRoomForEndsIsNotFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := limited(t)
		r.backend.ofEveryone(cognito.Internal())
		passed := 0
		for n := range 100 {
			err := attempts["unlink with a foreign login"](from(t.Context(), "one address"), r, nobody0(n))
			if code(err) == "InternalErrorException" {
				passed++
			}
		}
		if passed != 3 {
			t.Errorf("got %d of 100 calls of one address passed on, want 3", passed)
		}
		before := r.PendingFences().Deferred
		for n := range 100 {
			r.directory.places.Store(nobody0(1000+n), "")
			_ = attempts["unlink with a foreign login"](from(t.Context(), fmt.Sprint(n)), r, nobody0(1000+n))
		}
		if got := r.PendingFences().Deferred; got != before {
			t.Errorf("got %d more ends, want none for identities that nobody has met", got-before)
		}
	})
}

// One brief fence after another does not keep the identity's user waiting, whatever limits there are.
func TestBriefFencesAreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) {
			b.before = func(string) { time.Sleep(1500 * time.Millisecond) }
			b.changes = definite["no such login"]
		})
		for n := range 100 { // three a second
			r.clients.Go(func() {
				time.Sleep(time.Duration(n) * 300 * time.Millisecond)
				_ = attempts["unlink with a foreign login"](from(t.Context(), fmt.Sprint(n)), r, user)
			})
		}
		waited := 0
		for range 100 {
			began := time.Now()
			r.want("key1", flows.Hit, flows.CallInfo{})
			if time.Since(began) > 0 {
				waited++
			}
			time.Sleep(270*time.Millisecond - min(time.Since(began), 200*time.Millisecond))
		}
		if waited > 15 {
			t.Errorf("waited %d times of 100, want one in 5 s", waited)
		}
		r.Settled()
	})
}

// ownerless is a fleet that cannot be asked for owners while it is down.
type ownerless struct {
	flows.Shared
	down atomic.Bool
}

func (o *ownerless) Owners(ctx context.Context, logins ...cache.Scope) ([][]string, error) {
	if o.down.Load() {
		return nil, cache.ErrFleet
	}
	return o.Shared.Owners(ctx, logins...)
}

// What was linked without a fence while the fleet could not be asked for owners ends all the same,
// though its client is not told so.
func TestUnfencedLinksEndWithoutTheFleet(t *testing.T) {
	t.Parallel()
	c := newTestFleet(t)
	var fleet *ownerless
	m := c.join(func(f *flows.Config) {
		fleet = &ownerless{Shared: f.Shared}
		f.Shared = fleet
	})
	c.directory.guests.Store(user, true)
	m.guest("key1")
	useUp(t, m.rig) // so that there is no fence, not even a brief one
	c.backend.set(func(b *backend) {
		b.changes = nil
		b.fail = func(token string) error {
			if token == "n1" {
				fleet.down.Store(true)
			}
			return nil
		}
	})
	if _, err := m.ask(user, "n1", &flows.CallInfo{}); !errors.Is(err, cognito.ErrUnavailable) {
		t.Fatalf("the link: got %v, want %v", err, cognito.ErrUnavailable)
	}
	fleet.down.Store(false)
	waitUntil(t, "the end", func() bool { return m.PendingFences().Owed == 0 })
	if got, err := m.ask(user, "", &flows.CallInfo{}); err != nil || got == "key1" {
		t.Errorf("the guest: got %s %v, want what the link outdated not to be served", got, err)
	}
}

// In a process that is alone too an owner's unanswered change keeps what is brought meanwhile from
// being kept, until it cannot be made any more; also where a second attempt was refused.
func TestUnansweredChangeOfAProcessThatIsAlone(t *testing.T) {
	for name, err := range map[string]error{
		"no answer": cognito.Internal(), "refused after no answer": cognito.Unsettled(definite["no such login"]),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.directory.Owns(pool, idp, "a", user)
				r.backend.set(func(b *backend) { b.changes = err })
				if r.unlinks(t.Context(), user, map[string]string{idp: "a1"}) == nil {
					t.Fatal("got an answer, want none")
				}
				r.want("key2", flows.Miss, flows.CallInfo{})
				time.Sleep(3 * time.Second)
				r.directory.Owns(pool, idp, "a", user)
				r.want("key3", flows.Miss, flows.CallInfo{})
				time.Sleep(30 * time.Second)
				r.want("key4", flows.Miss, flows.CallInfo{})
				r.want("key4", flows.Hit, flows.CallInfo{})
			})
		})
	}
}

// Without the fleet nothing is changed, however often somebody tries: a brief fence that could not
// begin counts for none.
func TestStrangersChangeNothingWithoutTheFleet(t *testing.T) {
	r := newRig(t)
	r.directory.guests.Store(user, true)
	r.Epochs.ShareWith(&unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}})
	made := 0
	r.backend.set(func(b *backend) {
		b.fail = func(token string) error {
			if token == "n1" {
				made++
			}
			return nil
		}
	})
	for n := range 3 {
		if _, err := r.ask(user, "n1", &flows.CallInfo{}); !errors.Is(err, cognito.ErrUnavailable) {
			t.Errorf("try %d: got %v, want %v", n, err, cognito.ErrUnavailable)
		}
	}
	if made > 0 {
		t.Errorf("the call was made %d times, want never", made)
	}
}

// Whom an identity's end waits for is that identity, whatever another call named before with a login
// that was the user's once.
func TestEndsWaitForNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.Owns(pool, idp, "m", user)
		r.want("key1", flows.Miss, flows.CallInfo{})
		silent := nobody0(1)
		r.backend.refuseAttempts(cognito.Internal())
		r.backend.set(func(b *backend) {
			b.refuseID = func(id string) error {
				if id == silent {
					return cognito.TooManyRequests("Rate exceeded")
				}
				return nil
			}
		})
		in := &ci.GetOpenIdTokenInput{IdentityId: ptr(silent), Logins: map[string]string{idp: "m1", foreign: "opaque"}}
		if _, err := r.GetOpenIdToken(t.Context(), in); code(err) != "InternalErrorException" {
			t.Fatalf("the former owner: got %v, want no answer", err)
		}
		if r.PendingFences().Deferred == 0 {
			t.Fatal("got nothing that ends later, want the user's")
		}
		_ = r.unlinks(t.Context(), user, map[string]string{foreign: "opaque of the owner"})
		time.Sleep(time.Minute)
		r.wantOutcome(flows.Miss)
	})
}

// Somebody's own changes of unknown outcome keep one fence open in a process that is alone, however
// many they are, until the last cannot be made any more. Where there are too many fences, what they are
// over ends at once, and later.
func TestOpenFencesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.directory.Owns(pool, idp, "a", user)
		r.backend.set(func(b *backend) { b.changes = cognito.Internal() })
		own := map[string]string{idp: "a1"}
		for range 100 {
			_ = r.unlinks(t.Context(), user, own)
			time.Sleep(200 * time.Millisecond)
		}
		if n := r.OpenFences(); n != 1 {
			t.Errorf("got %d fences of 100 changes, want one", n)
		}
		time.Sleep(20 * time.Second) // 40 s after the first, 20 after the last
		r.want("key2", flows.Miss, flows.CallInfo{})
		r.want("key3", flows.Miss, flows.CallInfo{})
		time.Sleep(6 * time.Second)
		r.want("key4", flows.Miss, flows.CallInfo{})
		r.want("key4", flows.Hit, flows.CallInfo{})

		for n := range 1000 {
			r.directory.Owns(pool, idp, "b", nobody0(n))
			_ = r.unlinks(t.Context(), nobody0(n), map[string]string{idp: "b1"})
		}
		if n := r.OpenFences(); n != 1000 {
			t.Fatalf("got %d fences, want 1000", n)
		}
		_ = r.unlinks(t.Context(), user, own)
		if n := r.OpenFences(); n != 1000 {
			t.Errorf("got %d fences, want 1000 still", n)
		}
		r.want("key5", flows.Miss, flows.CallInfo{})
		time.Sleep(30 * time.Second)
		r.wantOutcome(flows.Miss)
		r.wantOutcome(flows.Hit)
	})
}

// Nor for many others that come before: while the backend is up, one answer for each is enough.
func TestEndsDoNotStandInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.refuseAttempts(cognito.Internal())
		for n := range 1000 {
			_ = r.unlinks(t.Context(), nobody0(n), map[string]string{foreign: "opaque"})
		}
		_ = r.unlinks(t.Context(), user, map[string]string{foreign: "opaque of the owner"})
		r.backend.set(func(b *backend) { b.changes, b.fail = nil, nil })
		time.Sleep(time.Minute)
		r.wantOutcome(flows.Miss)
	})
}

// Nor for those of another region, of which nothing is heard.
func TestEndsOfARegionThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.refuseAttempts(cognito.Internal())
		for n := range 100 {
			elsewhere := strings.Replace(nobody0(n), "us-east-1", "eu-west-1", 1)
			_ = r.unlinks(t.Context(), elsewhere, map[string]string{foreign: "opaque"})
			_ = r.unlinks(t.Context(), nobody0(n), map[string]string{foreign: "opaque"})
		}
		_ = r.unlinks(t.Context(), user, map[string]string{foreign: "opaque of the owner"})
		r.backend.set(func(b *backend) {
			b.changes, b.fail = nil, nil
			b.refuseID = func(id string) error {
				if !strings.HasPrefix(id, "eu-west-1:") {
					return nil
				}
				time.Sleep(2900 * time.Millisecond)
				return cognito.Internal()
			}
		})
		time.Sleep(2 * time.Minute)
		r.wantOutcome(flows.Miss)
	})
}
