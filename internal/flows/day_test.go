//go:build !race

package flows_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/flows"
)

const (
	// dayStep is how far the clock moves at once: no further than a claim lasts.
	dayStep = 10 * time.Second
	// tokenLife is how long a login lasts. An app presents one until it has expired.
	tokenLife = time.Hour
)

// kind is how a day's apps behave.
type kind struct {
	floor time.Duration                  // that the client asks for
	least time.Duration                  // the floor that counts for it
	again func(*rand.Rand) time.Duration // from one ask to the next
	after time.Duration                  // the last ask, nothing is exchanged
	rate  float64                        // exchanges an active hour, at most
	waits bool                           // somebody active may wait
}

// A day of 1,000 people, whose tokens and credentials last an hour, over two
// brokers, one of which dies now and then with what it has claimed.
//
// People open their apps when people do and leave them after one to four hours; some
// only look in. By default an app asks every few minutes. Amplify's asks 50 minutes
// after it was answered, and its token will not always do for a renewal before.
func TestADayInAMinute(t *testing.T) {
	for name, k := range map[string]kind{
		"default": {
			least: 20 * time.Minute, rate: 2, after: 40 * time.Minute,
			again: func(r *rand.Rand) time.Duration { return time.Minute + time.Duration(r.Int64N(int64(5*time.Minute))) },
		},
		"Amplify": {
			floor: 51 * time.Minute, least: 51 * time.Minute, rate: 1.5, after: 51 * time.Minute, waits: true,
			again: func(*rand.Rand) time.Duration { return 50 * time.Minute },
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDay(t, k, people(t))
			d.run()
			d.judge()
		})
	}
}

// people is how many there are: BROKER_TEST_PEOPLE, or 1,000.
func people(t *testing.T) int {
	text, ok := os.LookupEnv("BROKER_TEST_PEOPLE")
	if !ok {
		return 1_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("BROKER_TEST_PEOPLE: got %q, want a number", text)
	}
	return n
}

// person is somebody with an app.
type person struct {
	id, name string
	random   *rand.Rand
	session
	token   string
	expires time.Time // of it

	mu        sync.Mutex
	exchanges []time.Time
}

// session is how long an app is open.
type session struct {
	from, to    time.Time
	first, last time.Time // asks
}

type day struct {
	*renewalFleet
	kind   kind
	people map[string]*person
	due    [][]*person // who asks next, by step
	start  time.Time

	waited, under, failed atomic.Int64
	asks                  atomic.Int64
}

func newDay(t *testing.T, k kind, n int) *day {
	d := &day{renewalFleet: newRenewalFleet(t, 2, nil), kind: k, people: map[string]*person{}}
	d.start = d.now()
	d.due = make([][]*person, 28*time.Hour/dayStep)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		p := &person{id: fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", i), name: fmt.Sprint("u", i)}
		p.random = rand.New(rand.NewPCG(3, uint64(i)))
		from := d.start.Add(opening(random))
		length := time.Hour + time.Duration(random.Int64N(int64(3*time.Hour)))
		if random.IntN(10) == 0 {
			length = 0 // looks in once
		}
		p.from, p.to = from, from.Add(length)
		d.people[p.id] = p
		d.plan(p, from)
	}
	d.granter.made = func(id string, at time.Time) {
		p := d.people[id]
		p.mu.Lock()
		p.exchanges = append(p.exchanges, at)
		p.mu.Unlock()
	}
	return d
}

// opening is when somebody opens an app: most do in the evening, few at night.
func opening(r *rand.Rand) time.Duration {
	curve := [24]int{2, 1, 1, 1, 1, 2, 4, 8, 10, 9, 8, 8, 10, 9, 7, 7, 8, 10, 13, 15, 14, 10, 6, 3}
	for {
		if hour := r.IntN(20); r.IntN(15) < curve[hour] {
			return time.Duration(hour)*time.Hour + time.Duration(r.Int64N(int64(time.Hour)))
		}
	}
}

// plan has a person ask then.
func (d *day) plan(p *person, at time.Time) {
	if step := int(at.Sub(d.start) / dayStep); step < len(d.due) {
		d.due[step] = append(d.due[step], p)
	}
}

// run lets the day pass.
func (d *day) run() {
	for step := range d.due {
		d.pass(d.start.Add(time.Duration(step+1) * dayStep).Sub(d.now()))
		d.askAll(d.due[step])
		for n, b := range d.brokers {
			b.AwaitBackground()
			b.ReportUses(d.t.Context(), step%6 == 3*n)
		}
		if step%60 == 59 && step < len(d.due)-60 {
			d.brokers[step/60%2].AbandonClaims(d.t.Context(), 3)
		}
		d.renew()
	}
}

// askAll has people ask, several at a time, and plans when they ask next.
func (d *day) askAll(who []*person) {
	var running sync.WaitGroup
	const clients = 4
	for n := range clients {
		running.Go(func() {
			for i := n; i < len(who); i += clients {
				d.askOne(who[i])
			}
		})
	}
	running.Wait()
	for _, p := range who {
		if next := d.now().Add(d.kind.again(p.random)); next.Before(p.to) {
			d.plan(p, next)
		}
	}
}

func (d *day) askOne(p *person) {
	now := d.now()
	if !now.Before(p.expires) {
		p.expires = now.Add(tokenLife)
		p.token = d.token(p.name, tokenLife)
	}
	info := flows.CallInfo{ClientFloor: d.kind.floor}
	ctx := flows.WithCallInfo(d.t.Context(), &info)
	in := &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(p.id), Logins: map[string]string{idp: p.token}}
	out, err := d.brokers[p.random.IntN(len(d.brokers))].GetCredentialsForIdentity(ctx, in)
	d.asks.Add(1)
	if err != nil {
		d.failed.Add(1)
		return
	}
	if out.Credentials.Expiration.Sub(now) < d.kind.least {
		d.under.Add(1)
	}
	switch {
	case p.first.IsZero():
		p.first = now
	case info.Outcome != flows.Hit:
		d.waited.Add(1)
	}
	p.last = now
}

// judge compares the day with what was promised.
func (d *day) judge() {
	t := d.t
	var exchanges, idle, late, often int
	var hours float64
	for _, p := range d.people {
		exchanges += len(p.exchanges)
		hours += p.to.Sub(p.from).Hours()
		after := 0
		for _, at := range p.exchanges {
			if at.After(p.last) {
				after++
			}
			if at.Sub(p.last) > d.kind.after {
				late++
			}
		}
		if after > 1 {
			often++
		}
		if p.first.Equal(p.last) && d.kind.floor == 0 && len(p.exchanges) > 1 {
			idle++
		}
	}
	rate := float64(exchanges-len(d.people)) / hours // the first of each does not count
	t.Logf("%d people, %d asks, %d exchanges, %.2f an active hour; %d waited; renewed %d, idle %d, gone %d, failed %d",
		len(d.people), d.asks.Load(), exchanges, rate, d.waited.Load(), d.counts.of("ok"), d.counts.of("idle"),
		d.counts.of("gone"), d.counts.of("failed"))
	if n := d.failed.Load(); n != 0 {
		t.Errorf("got %d asks that failed, want none", n)
	}
	if n := d.under.Load(); n != 0 {
		t.Errorf("got %d answers with less left than the floor, want none", n)
	}
	if n := d.waited.Load(); n != 0 && !d.kind.waits {
		t.Errorf("got %d asks after the first that waited for an exchange, want none", n)
	}
	if rate > d.kind.rate {
		t.Errorf("got %.2f exchanges an active hour, want at most %.1f", rate, d.kind.rate)
	}
	if idle != 0 {
		t.Errorf("got %d people renewed who looked in once, want none", idle)
	}
	if late != 0 || often != 0 {
		t.Errorf("got %d renewals long after the last ask, and %d people renewed twice after it, want none", late, often)
	}
	if got := d.counts.scheduled.Load(); got != 0 {
		t.Errorf("got %d renewals scheduled in the end, want none", got)
	}
}
