package flows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// 1,000 clients for one identity over three brokers make one exchange.
func TestOnceForOneIdentity(t *testing.T) {
	c := newTestFleet(t)
	brokers := c.members(3)
	release := c.hold("", nil)
	answers := make([]<-chan asked, 1000)
	for i := range answers {
		answers[i] = brokers[i%3].asks("a1")
	}
	c.exchanging(1)
	for i, b := range brokers {
		waitUntil(
			t, fmt.Sprint("broker ", i, "'s part"), func() bool { return b.tally.of("led") == 1 || len(b.waiting) > 0 },
		)
	}
	release()
	for i, answer := range answers {
		c.gets(fmt.Sprint("client ", i), answer, "key1")
	}
	c.exchanges(1)
	led, waited := 0, 0
	for _, b := range brokers {
		led, waited = led+b.tally.of("led"), waited+b.tally.of("waited")
	}
	if led != 1 || waited != 2 {
		t.Errorf("brokers that led and that waited: got %d and %d, want 1 and 2", led, waited)
	}
}

// 1,000 identities with ten clients each over three brokers make 1,000 exchanges.
func TestOnceForManyIdentities(t *testing.T) {
	c := newTestFleet(t)
	brokers := c.members(3)
	var all sync.WaitGroup
	for worker := range 100 {
		all.Go(func() {
			for i := worker; i < 1000; i += 100 {
				askTen(t, brokers, fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", i))
			}
		})
	}
	all.Wait()
	c.exchanges(1000)
}

// askTen has ten ask for an identity at once, who all get the same.
func askTen(t *testing.T, brokers []*fleetBroker, id string) {
	var all sync.WaitGroup
	var keys [10]string
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = brokers[i%len(brokers)].ask(id, "a1", &flows.CallInfo{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if same := slices.Compact(keys[:]); len(same) != 1 {
		t.Errorf("ten clients for one identity: got %q, want the same", same)
	}
}

// A broker dies in the middle of an exchange: one of the others makes one more.
func TestOnceMoreWhenTheLeaderDies(t *testing.T) {
	c := newTestFleet(t)
	brokers := c.members(3)
	release := c.hold("a1", nil)
	defer release()
	lost := brokers[0].asks("a1")
	c.exchanging(1)
	others := []<-chan asked{brokers[1].waits("a2"), brokers[2].waits("a2"), brokers[1].asks("a3")}
	brokers[0].way.Cut()
	for _, answer := range others {
		c.gets("who waited", answer, "key2")
	}
	c.exchanges(2)
	if got := brokers[1].tally.of("took_over") + brokers[2].tally.of("took_over"); got != 1 {
		t.Errorf("brokers that took over: got %d, want 1", got)
	}
	release()
	c.gets("who asked the lost broker", lost, "key1")
	if got := brokers[0].tally.of("lapsed"); got != 1 {
		t.Errorf("leads that lapsed: got %d, want 1", got)
	}
	brokers[0].way.Restore()
	c.gets("who asks afterwards", brokers[2].asks("a1"), "key2")
}

// losing loses its first lead at once.
type losing struct {
	flows.Shared
	leads atomic.Int32
}

type lostLead struct{ cache.Lock }

func (lostLead) Held() bool { return false }

func (l *losing) Lock(ctx context.Context, flight cache.Flight) (cache.Lock, cache.LockHolder, error) {
	lead, leader, err := l.Shared.Lock(ctx, flight)
	if lead != nil && l.leads.Add(1) == 1 {
		lead = lostLead{lead}
	}
	return lead, leader, err
}

// An exchange begins under a lead that is held, or another broker may have begun
// one.
func TestOnceUnderALead(t *testing.T) {
	c := newTestFleet(t)
	var shared *losing
	a := c.join(func(config *flows.Config) {
		shared = &losing{Shared: config.Shared}
		config.Shared = shared
	})
	c.gets("a client", a.asks("a1"), "key1")
	if leads := shared.leads.Load(); leads != 2 {
		t.Errorf("leads taken, of which the first was lost at once: got %d, want 2", leads)
	}
	c.exchanges(1)
}

// A refusal belongs to the tokens that earned it, and to those who waited with
// them.
func TestOnceRefused(t *testing.T) {
	c := newTestFleet(t)
	a, b, other := c.join(), c.join(), c.join()
	release := c.hold("a1", cognito.NotAuthorized("Invalid login token."))
	first := a.asks("a1")
	c.exchanging(1)
	second := b.waits("a1")
	release()
	for who, answer := range map[string]<-chan asked{"who was refused": first, "who waited with the same token": second} {
		got := <-answer
		public, passing := cognito.Public(got.err), cognito.Passing(got.err)
		if public.ErrorCode() != "NotAuthorizedException" || public.ErrorMessage() != "Invalid login token." || passing {
			t.Errorf("%s: got %v, want the refusal", who, got.err)
		}
	}
	c.exchanges(1)
	if got := <-b.asks("a1"); got.err == nil {
		t.Errorf("who asks with it later: got %s, want a refusal", got.key)
	}
	c.exchanges(2)

	release = c.hold("a1", cognito.NotAuthorized("Invalid login token."))
	first = a.asks("a1")
	c.exchanging(3)
	second = other.waits("a2")
	release()
	c.gets("who waited with another token", second, "key4")
	if got := <-first; got.err == nil {
		t.Errorf("who was refused: got %s, want a refusal", got.key)
	}
	c.exchanges(4)
}

// A passing failure is shared with all who waited: the backend gets no flood.
func TestOnceFailed(t *testing.T) {
	for name, fault := range map[string]error{
		"throttled": cognito.TooManyRequests(cognito.MsgRateExceeded),
		"no answer": cognito.Unavailable(errors.New("cut")), "strange": errors.New("strange"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestFleet(t)
			a, b := c.join(), c.join()
			release := c.hold("", fault)
			first := a.asks("a1")
			c.exchanging(1)
			second := b.waits("a2")
			release()
			want, got := <-first, <-second
			code, wanted := cognito.Public(got.err).ErrorCode(), cognito.Public(want.err).ErrorCode()
			if code != wanted || !cognito.Passing(got.err) {
				t.Errorf("who waited: got %v, want %v", got.err, want.err)
			}
			if behind := errors.Is(got.err, cognito.ErrUnavailable); behind != errors.Is(want.err, cognito.ErrUnavailable) {
				t.Errorf("who waited, told that what stands behind does not answer: %v, want as who led", behind)
			}
			c.exchanges(1)
		})
	}
}

// What is the matter with the broker that holds the lock of is not the matter of others.
func TestOnceLeaderOutOfTime(t *testing.T) {
	c := newTestFleet(t)
	a := c.join(func(config *flows.Config) { config.Timeout = 300 * time.Millisecond })
	b := c.join()
	c.backend.set(func(b *backend) { b.slow = time.Hour })
	first := a.asks("a1")
	c.exchanging(1)
	second := b.waits("a1")
	c.backend.set(func(b *backend) { b.slow = 0 })
	if got := <-first; !errors.Is(got.err, context.DeadlineExceeded) {
		t.Errorf("who asked the one that was out of time: got %s %v, want its deadline", got.key, got.err)
	}
	c.gets("who waited", second, "key2")
}

// Each client leaves at his own deadline, and nobody else's flight ends by it.
func TestOnceLeavesInTime(t *testing.T) {
	c := newTestFleet(t)
	a, b := c.join(), c.join()
	release := c.hold("", nil)
	first := a.asks("a1")
	c.exchanging(1)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := b.GetCredentialsForIdentity(
			ctx, &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(user), Logins: map[string]string{idp: "a1"}},
		)
		left <- err
	}()
	<-b.waiting
	stays := b.asks("a1")
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: got %v, want his own end", err)
	}
	release()
	c.gets("who led", first, "key1")
	c.gets("who stayed", stays, "key1")
	c.exchanges(1)
}

// Whoever asks after a fence was answered gets nothing that began before it: not by
// joining it here, nor by waiting for it elsewhere.
func TestOnceAndFences(t *testing.T) {
	c := newTestFleet(t)
	a, b := c.join(), c.join()
	release := c.hold("a1", nil)
	early := a.asks("a1")
	c.exchanging(1)
	waits := b.waits("a1")
	c.backend.set(func(b *backend) { b.fail = nil })
	b.fence(cache.IdentityScope(user))
	for who, m := range map[string]*fleetBroker{"the same broker": a, "another": b} {
		if got := <-m.asks("a1"); got.err != nil || got.key == "key1" {
			t.Errorf("after the fence, of %s: got %s %v, want what was fetched after it", who, got.key, got.err)
		}
	}
	release()
	c.gets("who had asked before", early, "key1")
	if got := <-waits; got.err != nil {
		t.Errorf("who waited before: got %v, want an answer", got.err)
	}
	if got := <-a.asks("a1"); got.key == "key1" {
		t.Error("after all that: got what was fetched before the fence")
	}
}

// Without Redis nobody knows of the fences of others: nobody joins what runs, and
// all who ask meanwhile share the next.
func TestOnceWithoutRedis(t *testing.T) {
	c := newTestFleet(t)
	a := c.join()
	c.redis.Kill()
	release := c.hold("", nil)
	first := a.asks("a1")
	c.exchanging(1)
	others := make([]<-chan asked, 10)
	for i := range others {
		others[i] = a.asks("a1")
	}
	waitUntil(t, "the others", func() bool { return a.tally.of("redis failed") == 11 })
	release()
	c.gets("the first", first, "key1")
	for _, answer := range others {
		if got := <-answer; got.err != nil || got.key == "key1" {
			t.Errorf("who asked meanwhile: got %s %v, want what was fetched afterwards", got.key, got.err)
		}
	}
}

// Calls that link take permits over the fleet, and the fence of one does not keep
// the others from what it brought.
func TestOnceLinking(t *testing.T) {
	c := newTestFleet(t)
	brokers := c.members(3)
	c.directory.guests.Store(user, true)
	release := c.hold("", nil)
	answers := make([]<-chan asked, 300)
	for i := range answers[:150] {
		answers[i] = brokers[i%3].asks("a1")
	}
	c.exchanging(1) // the fence is set
	for i := range answers[150:] {
		answers[150+i] = brokers[i%3].asks("a1")
	}
	release()
	for i, answer := range answers {
		c.gets(fmt.Sprint("client ", i), answer, "key1")
	}
	c.exchanges(1)
}

// What is low in the memory of one broker may have been renewed by another; what is
// renewed for a client is for all.
func TestOnceLow(t *testing.T) {
	c := newTestFleet(t)
	a, b := c.join(), c.join()
	c.gets("a's", a.asks("a1"), "key1")
	c.gets("b's", b.asks("a1"), "key1")
	c.ahead.Store(int64(10 * time.Minute))
	much := flows.CallInfo{RequestFloor: 54 * time.Minute}
	for who, m := range map[string]*fleetBroker{"a": a, "b": b} {
		info := much
		if got, err := m.ask(user, "a1", &info); got != "key2" || err != nil {
			t.Errorf("%s, of what was low: got %s %v, want key2", who, got, err)
		}
	}
	c.exchanges(2)
}
