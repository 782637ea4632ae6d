package flows_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/redistest"
)

// renewalFleet are brokers that share a Redis, before one backend, on a clock that stands
// still until a test moves it. Their leases are on the real one.
type renewalFleet struct {
	t       testing.TB
	redis   *redistest.Server
	clock   atomic.Int64 // Unix nanoseconds
	granter *grantingBackend
	brokers []*flows.Service
	counts  *counts
}

// newRenewalFleet starts n brokers. adjust, if any, changes their configuration.
func newRenewalFleet(t testing.TB, n int, adjust func(*flows.Config)) *renewalFleet {
	t.Helper()
	c := &renewalFleet{t: t, redis: redistest.Single(t), counts: &counts{}}
	c.clock.Store(time.Now().Truncate(time.Second).UnixNano())
	c.granter = &grantingBackend{fleet: c, life: time.Hour}
	seal, name := make([]byte, 32), make([]byte, 32)
	rand.Read(seal)
	rand.Read(name)
	for range n {
		c.brokers = append(c.brokers, c.broker(seal, name, adjust))
	}
	return c
}

func (c *renewalFleet) broker(seal, name []byte, adjust func(*flows.Config)) *flows.Service {
	c.t.Helper()
	f, err := fleet.New(fleet.Config{
		Server: fleet.Server{
			Addresses: []string{c.redis.Addr()}, DialTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
			WriteTimeout: 5 * time.Second,
		},
		Keys: [][]byte{seal}, NameKey: name, FenceLife: 20 * time.Second, Observer: noFleetObserver{},
		Skew: func() time.Duration { return time.Until(c.now()) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	memory, err := cache.NewMemory(100_000, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	config := flows.Config{
		Next: c.granter, Prover: statedProver{}, Directory: &directory{}, Memory: memory, Epochs: cache.NewEpochs(),
		Names: cache.NewNamer(name), Floors: flows.Floors{Default: 20 * time.Minute}, Observer: c.counts,
		DeveloperNames: map[string]string{pool: "login.example"}, RenewIdle: 20 * time.Minute, Timeout: 15 * time.Second,
		Now:    c.now,
		Shared: f, Schedule: f,
	}
	config.Epochs.ShareWith(f)
	f.OnInvalidation(config.Epochs.End)
	if adjust != nil {
		adjust(&config)
	}
	s := flows.New(config)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	c.t.Cleanup(func() {
		s.AwaitBackground()
		cancel()
		running.Wait()
		f.Close()
		memory.Close()
	})
	for end := time.Now().Add(30 * time.Second); !f.Lease().Held(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("no lease within 30 s")
		}
	}
	return s
}

func (c *renewalFleet) now() time.Time { return time.Unix(0, c.clock.Load()) }

// pass lets time pass.
func (c *renewalFleet) pass(d time.Duration) { c.clock.Add(int64(d)) }

// reportUses has all brokers tell the fleet what they know.
func (c *renewalFleet) reportUses() {
	for _, b := range c.brokers {
		b.AwaitBackground()
		b.ReportUses(c.t.Context(), true)
	}
}

// renew makes, by one broker after the other, all renewals that have come up.
func (c *renewalFleet) renew() {
	for again := true; again; {
		again = false
		for _, b := range c.brokers {
			again = b.RenewClaims(c.t.Context(), 16) > 0 || again
		}
	}
}

// ask asks a broker, and returns the access key and how it was come by.
func (c *renewalFleet) ask(
	b *flows.Service, id string, tokens map[string]string, info flows.CallInfo,
) (string, flows.Outcome, error) {
	c.pass(time.Millisecond) // no two serves are at the same time
	in := &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(id), Logins: tokens}
	out, err := b.GetCredentialsForIdentity(flows.WithCallInfo(c.t.Context(), &info), in)
	if err != nil {
		return "", "", err
	}
	return *out.Credentials.AccessKeyId, info.Outcome, nil
}

// want asks for the user of the tests and compares the answer.
func (c *renewalFleet) want(b *flows.Service, token, key string, outcome flows.Outcome) {
	c.t.Helper()
	got, how, err := c.ask(b, user, map[string]string{idp: token}, flows.CallInfo{})
	if err != nil || got != key || how != outcome {
		c.t.Errorf("got %s %s %v, want %s %s", got, how, err, key, outcome)
	}
	b.AwaitBackground()
}

// token is a login of a user that is valid for so long.
func (c *renewalFleet) token(user string, life time.Duration) string {
	return fmt.Sprintf("%s.%d", user, c.now().Add(life).UnixNano())
}

// statedProver proves tokens that fleets make, by what they say. It does not look at the
// clock, as flows does not rely on it to.
type statedProver struct{}

func (statedProver) Known(provider string) bool { return provider == idp || provider == idp2 }

func (statedProver) Prove(_ context.Context, provider, token string) (*logins.Proof, error) {
	subject, expires, ok := strings.Cut(token, ".")
	ns, err := strconv.ParseInt(expires, 10, 64)
	if !ok || err != nil {
		return nil, &logins.Refused{Message: "bad"}
	}
	return &logins.Proof{Provider: provider, Subject: subject, ClientID: "web-app", Expires: time.Unix(0, ns)}, nil
}

// grantingBackend grants everybody an hour, and notes whom and when. It refuses tokens that
// have expired.
type grantingBackend struct {
	cognito.API // what a test does not expect to be called
	fleet       *renewalFleet
	life        time.Duration
	exchanges   atomic.Int64
	mu          sync.Mutex
	fail        error
	made        func(id string, at time.Time)
	developers  []ci.GetOpenIdTokenForDeveloperIdentityInput
}

func (g *grantingBackend) set(change func(*grantingBackend)) { g.mu.Lock(); change(g); g.mu.Unlock() }

func (g *grantingBackend) GetCredentialsForIdentity(
	_ context.Context, in *ci.GetCredentialsForIdentityInput, _ ...func(*ci.Options),
) (*ci.GetCredentialsForIdentityOutput, error) {
	n, now := g.exchanges.Add(1), g.fleet.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.made != nil {
		g.made(*in.IdentityId, now)
	}
	if g.fail != nil {
		return nil, g.fail
	}
	for provider, token := range in.Logins {
		if proof, err := (statedProver{}).Prove(
			context.Background(), provider, token,
		); provider == idp && (err != nil || !now.Before(proof.Expires)) {
			return nil, cognito.NotAuthorized("Invalid login token. Token expired")
		}
	}
	return &ci.GetCredentialsForIdentityOutput{
		IdentityId: in.IdentityId,
		Credentials: &types.Credentials{
			AccessKeyId: aws.String(fmt.Sprint("key", n)), SecretKey: aws.String("secret"), SessionToken: aws.String("session"),
			Expiration: aws.Time(now.Add(g.life)),
		},
	}, nil
}

func (g *grantingBackend) GetOpenIdTokenForDeveloperIdentity(
	_ context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput, _ ...func(*ci.Options),
) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.developers = append(g.developers, *in)
	return &ci.GetOpenIdTokenForDeveloperIdentityOutput{
		IdentityId: aws.String(cmp.Or(aws.ToString(in.IdentityId), user)),
		Token:      aws.String("own." + base64.RawURLEncoding.EncodeToString([]byte(user))),
	}, nil
}

// counts counts renewals by outcome.
type counts struct {
	noObserver
	renewals           sync.Map // *atomic.Int64 by outcome
	scheduled, overdue atomic.Int64
}

func (c *counts) Renewal(outcome string) {
	n, _ := c.renewals.LoadOrStore(outcome, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

func (c *counts) Queue(_, scheduled int, overdue time.Duration) {
	c.scheduled.Store(int64(scheduled))
	c.overdue.Store(int64(overdue))
}

func (c *counts) of(outcome string) int64 {
	n, ok := c.renewals.Load(outcome)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}
