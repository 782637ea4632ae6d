package flows_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/logins"
)

const (
	pool = "us-east-1:00000000-0000-4000-8000-000000000001"
	user = "us-east-1:11111111-1111-4111-8111-111111111111"
	idp  = "idp.example"
)

// backend is the service behind flows: it grants life to all, or fails.
type backend struct {
	cognito.API // what a test does not expect to be called
	exchanges   atomic.Int32
	ids         atomic.Int32
	mu          sync.Mutex
	life        time.Duration
	slow        time.Duration
	fail        func(token string) error
	answered    string // identity to answer with, instead of the asked one
}

func (b *backend) set(f func(*backend)) { b.mu.Lock(); f(b); b.mu.Unlock() }

func (b *backend) GetId(context.Context, *cognitoidentity.GetIdInput, ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	return &cognitoidentity.GetIdOutput{IdentityId: aws.String(fmt.Sprintf("us-east-1:%08x-0000-4000-8000-000000000000", b.ids.Add(1)))}, nil
}

func (b *backend) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	n := b.exchanges.Add(1)
	b.mu.Lock()
	life, slow, fail, id := b.life, b.slow, b.fail, b.answered
	b.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fail != nil {
		if err := fail(in.Logins[idp]); err != nil {
			return nil, err
		}
	}
	if id == "" {
		id = *in.IdentityId
	}
	return &cognitoidentity.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(id),
		Credentials: &types.Credentials{
			AccessKeyId: aws.String(fmt.Sprint("key", n)), SecretKey: aws.String("s"), SessionToken: aws.String("t"),
			Expiration: aws.Time(time.Now().Add(life)),
		},
	}, nil
}

// prover takes a token for its subject's name.
type prover struct{}

func (prover) Known(provider string) bool { return provider == idp }

func (prover) Prove(_ context.Context, provider, token string) (*logins.Proof, error) {
	if token == "bad" {
		return nil, &logins.Refused{Message: "bad"}
	}
	return &logins.Proof{Provider: provider, Subject: token[:1], ClientID: "web-app"}, nil
}

// directory knows one pool; identities in guests are guests. Logins belong to
// whoever an answer said, by provider and subject.
type directory struct{ guests, owners sync.Map }

func (d *directory) Owner(_ context.Context, _, provider, subject string) (string, bool, error) {
	id, ok := d.owners.Load(provider + " " + subject)
	if !ok {
		return "", false, nil
	}
	return id.(string), true, nil
}

func (d *directory) Owns(_, provider, subject, id string) { d.owners.Store(provider+" "+subject, id) }

func (d *directory) Identity(_ context.Context, id string) (string, bool, bool, error) {
	_, guest := d.guests.Load(id)
	return pool, guest, id != "us-east-1:0", nil
}

func (*directory) Matters(string, string, string) bool { return false }

type nobody struct{}

func (nobody) Lookup(string, string)   {}
func (nobody) Exchange(string, string) {}
func (nobody) Renewal(string)          {}
func (nobody) Remaining(time.Duration) {}

type rig struct {
	*flows.Service
	backend   *backend
	directory *directory
	t         *testing.T
}

func newRig(t *testing.T) *rig {
	t.Helper()
	memory, err := cache.NewMemory(1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(memory.Close)
	r := &rig{backend: &backend{life: time.Hour}, directory: &directory{}, t: t}
	r.Service = flows.New(flows.Config{
		Next: r.backend, Prover: prover{}, Directory: r.directory, Memory: memory, Epochs: cache.NewEpochs(),
		Names: cache.NewNamer(nil), Floors: flows.Floors{Default: 20 * time.Minute}, Observer: nobody{},
		Timeout: 15 * time.Second, MaxExchanges: 8, Random: func() float64 { return 0.5 },
	})
	return r
}

func (r *rig) ask(id, token string, ask *flows.Ask) (string, error) {
	in := &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: aws.String(id)}
	if token != "" {
		in.Logins = map[string]string{idp: token}
	}
	out, err := r.GetCredentialsForIdentity(flows.WithAsk(r.t.Context(), ask), in)
	if err != nil {
		return "", err
	}
	return *out.Credentials.AccessKeyId, nil
}

// want asks and compares the credentials and where they came from.
func (r *rig) want(key string, outcome flows.Outcome, ask flows.Ask) {
	r.t.Helper()
	got, err := r.ask(user, "a1", &ask)
	if err != nil || got != key || ask.Outcome != outcome {
		r.t.Errorf("got %s %s %v, want %s %s", got, ask.Outcome, err, key, outcome)
	}
}

func TestFloorsAndRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.Ask{})
		time.Sleep(8 * time.Minute) // 52 left
		r.want("key1", flows.Hit, flows.Ask{})
		r.want("key1", flows.Hit, flows.Ask{ClientFloor: 51 * time.Minute})
		r.want("key1", flows.Hit, flows.Ask{RequestFloor: 52 * time.Minute})
		r.want("key2", flows.Miss, flows.Ask{RequestFloor: 53 * time.Minute})
		r.want("key2", flows.Hit, flows.Ask{RequestFloor: 12 * time.Hour}) // counts nine tenths
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.Ask{})
		time.Sleep(35 * time.Minute)
		r.want("key1", flows.Hit, flows.Ask{}) // not due before 36 minutes
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		r.want("key1", flows.Hit, flows.Ask{}) // due: renewed behind the asker
		synctest.Wait()
		r.want("key2", flows.Hit, flows.Ask{})
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges: got %d, want 2", got)
		}
	})
}

// Each of the four floors can be the largest; the default counts at most half of
// the life.
func TestWhichFloorCounts(t *testing.T) {
	const m = time.Minute
	for name, c := range map[string]struct {
		configured, pool, life time.Duration
		ask                    flows.Ask
		floor                  time.Duration
	}{
		"the default":               {20 * m, 0, time.Hour, flows.Ask{}, 20 * m},
		"the default, half of life": {20 * m, 0, 30 * m, flows.Ask{}, 15 * m},
		"the pool":                  {20 * m, 40 * m, time.Hour, flows.Ask{ClientFloor: 30 * m}, 40 * m},
		"the client":                {20 * m, 40 * m, time.Hour, flows.Ask{ClientFloor: 51 * m}, 51 * m},
		"the request":               {20 * m, 40 * m, time.Hour, flows.Ask{ClientFloor: 30 * m, RequestFloor: 45 * m}, 45 * m},
		"nine tenths of life":       {20 * m, time.Hour, time.Hour, flows.Ask{}, 54 * m},
		"a request below the rest":  {20 * m, 0, time.Hour, flows.Ask{RequestFloor: m}, 20 * m},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.Floors = flows.Floors{Default: c.configured, Pools: map[string]time.Duration{pool: c.pool}}
				// Nothing is renewed ahead: only the floor sends an asker on.
				r.backend.set(func(b *backend) { b.life = c.life })
				r.want("key1", flows.Miss, c.ask)
				r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.TooManyRequests("") } })
				time.Sleep(c.life - c.floor)
				r.want("key1", flows.Hit, c.ask)
				synctest.Wait()
				time.Sleep(time.Second)
				r.want("key1", flows.Stale, c.ask)
			})
		})
	}
}

func TestPassingFailureServesStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.Ask{})
		time.Sleep(45 * time.Minute) // below the floor
		r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.TooManyRequests("Rate exceeded") } })
		r.want("key1", flows.Stale, flows.Ask{})
		r.want("key1", flows.Stale, flows.Ask{})
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges within the back-off: got %d, want 2", got)
		}
		time.Sleep(6 * time.Second)
		r.backend.set(func(b *backend) { b.fail = nil; b.life = -time.Second })
		r.want("key1", flows.Stale, flows.Ask{}) // expired credentials count as a passing failure
		time.Sleep(6 * time.Second)
		r.backend.set(func(b *backend) { b.life = time.Hour })
		r.want("key4", flows.Miss, flows.Ask{})
	})
}

func TestFailureAheadBacksOffLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.Ask{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return errors.New("connection reset") } })
		time.Sleep(37 * time.Minute)
		for range 5 {
			r.want("key1", flows.Hit, flows.Ask{})
			synctest.Wait()
		}
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges: got %d, want 2", got)
		}
		time.Sleep(2 * time.Minute) // of the 450 s; the floor is reached at 40 minutes
		r.want("key1", flows.Hit, flows.Ask{})
		synctest.Wait()
		if got := r.backend.exchanges.Load(); got != 2 {
			t.Errorf("exchanges before the back-off ended: got %d, want 2", got)
		}
	})
}

func TestLastingRefusalEndsTheEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.Ask{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.AccessForbidden(user) } })
		time.Sleep(37 * time.Minute)
		r.want("key1", flows.Hit, flows.Ask{}) // and a renewal, which is refused
		synctest.Wait()
		if _, err := r.ask(user, "a1", &flows.Ask{}); cognito.Passing(err) || err == nil {
			t.Errorf("after a refused renewal: got %v, want the refusal", err)
		}
	})
}

func TestAskersShareAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = time.Second })
		for n := range 100 {
			go func() {
				if got, err := r.ask(user, fmt.Sprint("a", n), &flows.Ask{}); got != "key1" || err != nil {
					t.Errorf("got %s %v, want key1", got, err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if got := r.backend.exchanges.Load(); got != 1 {
			t.Errorf("exchanges for 100 askers: got %d, want 1", got)
		}
	})
}

// A refusal belongs to the token that earned it.
func TestWaitersWithAnotherTokenTryTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) {
			b.slow = time.Second
			b.fail = func(token string) error {
				if token == "a-revoked" {
					return cognito.NotAuthorized("revoked")
				}
				return nil
			}
		})
		go func() {
			if _, err := r.ask(user, "a-revoked", &flows.Ask{}); err == nil {
				t.Error("the revoked token: got credentials, want its refusal")
			}
		}()
		synctest.Wait()
		go func() {
			if _, err := r.ask(user, "a-good", &flows.Ask{}); err != nil {
				t.Errorf("another token that joined: got %v, want credentials", err)
			}
		}()
		synctest.Wait()
		time.Sleep(5 * time.Second)
	})
}

// What was obtained before a fence is not served after it, though its exchange
// was under way.
func TestFenceDuringAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 2 * time.Second })
		go r.ask(user, "a1", &flows.Ask{})
		synctest.Wait()
		time.Sleep(time.Second)
		r.Fence(cache.IdentityScope(user))
		go func() {
			if got, err := r.ask(user, "a1", &flows.Ask{}); got != "key2" || err != nil {
				t.Errorf("an asker after the fence: got %s %v, want key2 of an exchange of his own", got, err)
			}
		}()
		synctest.Wait()
		time.Sleep(5 * time.Second)
		r.want("key2", flows.Hit, flows.Ask{})
		r.Fence(cache.PoolScope(pool))
		r.want("key3", flows.Miss, flows.Ask{})
	})
}

// A guest who signs in: his guest credentials end, those of the sign-in are kept.
func TestUpgradeFencesTheGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.directory.guests.Store(user, true)
		if got, _ := r.ask(user, "", &flows.Ask{}); got != "key1" {
			t.Fatalf("guest: got %s, want key1", got)
		}
		if got, _ := r.ask(user, "", &flows.Ask{}); got != "key1" {
			t.Errorf("guest again: got %s, want the cached key1", got)
		}
		r.want("key2", flows.Miss, flows.Ask{})
		r.directory.guests.Delete(user)
		r.want("key2", flows.Hit, flows.Ask{})
		if got, _ := r.ask(user, "", &flows.Ask{}); got == "key1" {
			t.Error("the guest after the sign-in: got what was cached before it")
		}
	})
}

func TestAnswerForAnotherIdentityIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.answered = "us-east-1:22222222-2222-4222-8222-222222222222" })
		r.want("key1", flows.Miss, flows.Ask{})
		r.want("key2", flows.Miss, flows.Ask{})
	})
}

func TestKeysKeepUsersApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := "us-east-1:22222222-2222-4222-8222-222222222222"
		seen := map[string]string{}
		for _, c := range [][2]string{{user, "a1"}, {user, "b1"}, {user, ""}, {other, "a1"}, {other, ""}} {
			got, err := r.ask(c[0], c[1], &flows.Ask{})
			if err != nil || seen[got] != "" {
				t.Errorf("%v: got %s %v, which %s has", c, got, err, seen[got])
			}
			seen[got] = fmt.Sprint(c)
		}
		if got, _ := r.ask(user, "a2", &flows.Ask{}); got != "key1" {
			t.Errorf("a fresh token of the same user: got %s, want key1", got)
		}
	})
}

func TestUnprovenLoginIsNeverServedFromTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.Ask{})
		r.backend.set(func(b *backend) { b.fail = func(string) error { return cognito.NotAuthorized("bad") } })
		ask := &flows.Ask{}
		if _, err := r.ask(user, "bad", ask); err == nil || ask.Guard != nil || ask.Outcome != "" {
			t.Errorf("got %v %q, want the backend's refusal", err, ask.Outcome)
		}
		r.want("key1", flows.Hit, flows.Ask{}) // and it ended nothing
	})
}

func TestGuestsAreNeverShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var seen sync.Map
		for range 20 {
			go func() {
				g, err := r.Grant(t.Context(), flows.GrantRequest{Pool: pool})
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := seen.LoadOrStore(g.IdentityID, true); twice {
					t.Errorf("two guests share %s", g.IdentityID)
				}
			}()
		}
		synctest.Wait()
	})
}

func TestFullHouseIsTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		for n := range 8 {
			go r.ask(fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", n+1), "a", &flows.Ask{})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool)})
		if _, ok := errors.AsType[*types.TooManyRequestsException](err); !ok {
			t.Errorf("got %v, want TooManyRequestsException", err)
		}
		time.Sleep(20 * time.Second)
	})
}
