package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/logins"
)

const (
	provider = "idp.example"
	// tokenBytes and sessionBytes are the sizes of a login's token, and of a session
	// token that makes 1.4 KB of credentials.
	tokenBytes, sessionBytes = 1200, 1290
	granted                  = time.Hour
)

// crowd is users of a broker within this process: its real flows, cache and share in
// the fleet, in front of a backend that takes no time and proves no signature. Its
// clock is moved by whoever measures; a life of credentials passes at once.
type crowd struct {
	users     int
	service   *flows.Service
	directory *upstream.Directory
	memory    *cache.Memory
	schedule  *attended // nil without a fleet
	fleet     *fleet.Fleet
	passed    atomic.Int64 // nanoseconds
	renewed   atomic.Int64 // renewals that succeeded
	stop      func()
}

// newCrowd starts a broker for n users, with the Redis at that address if any.
func newCrowd(n int, redis string) (*crowd, error) {
	c := &crowd{users: n}
	backend, err := upstream.New(upstream.Config{Region: "us-east-1", MaxIdentities: 2 * n, Now: c.now})
	if err != nil {
		return nil, err
	}
	c.directory = backend.Directory()
	if c.memory, err = cache.NewMemory(2*n, c.now); err != nil { // an entry, and the identity of a login
		return nil, err
	}
	config := flows.Config{
		Next: free{crowd: c}, Prover: believer{c}, Directory: c.directory, Memory: c.memory, Epochs: cache.NewEpochs(),
		Names: cache.NewNamer(nil), Floors: flows.Floors{Default: 20 * time.Minute}, Observer: seen{crowd: c},
		RenewIdle: 20 * time.Minute, Timeout: 15 * time.Second, MaxRenewals: n, Now: c.now,
	}
	run := []func(context.Context) error{}
	if redis != "" {
		if err := c.join(&config, redis); err != nil {
			return nil, err
		}
		run = append(run, c.fleet.Run)
	}
	c.service = flows.New(config)
	c.begin(append(run, c.service.Run))
	return c, c.lease()
}

// join makes the broker one of a fleet.
func (c *crowd) join(config *flows.Config, redis string) (err error) {
	seal, name := make([]byte, 32), make([]byte, 32)
	rand.Read(seal)
	rand.Read(name)
	c.fleet, err = fleet.New(fleet.Config{
		Server: fleet.Server{
			Addresses:    []string{redis},
			DialTimeout:  startTimeout,
			ReadTimeout:  startTimeout,
			WriteTimeout: startTimeout,
			PoolSize:     64,
		},
		Keys: [][]byte{seal}, NameKey: name, FenceLife: 25 * time.Second, Observer: unseen{},
		Skew: func() time.Duration { return time.Duration(c.passed.Load()) },
	})
	if err != nil {
		return err
	}
	c.schedule = &attended{Schedule: c.fleet, claimed: map[string]time.Time{}}
	config.Epochs.ShareWith(c.fleet)
	c.fleet.OnInvalidation(config.Epochs.End)
	config.Shared, config.Schedule = c.fleet, c.schedule
	return nil
}

// begin runs what runs beside requests, until stop.
func (c *crowd) begin(all []func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() { _ = run(ctx) })
	}
	c.stop = func() {
		c.service.Close(ctx)
		cancel()
		running.Wait()
		if c.fleet != nil {
			c.fleet.Close()
		}
		c.memory.Close()
	}
}

// lease waits for the right to serve from memory.
func (c *crowd) lease() error {
	if c.fleet == nil || await(c.fleet.Lease().Held) {
		return nil
	}
	c.stop()
	return errors.New("no lease")
}

// await waits for something that comes soon.
func await(came func() bool) bool {
	for began := time.Now(); !came(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 3*startTimeout {
			return false
		}
	}
	return true
}

func (c *crowd) now() time.Time { return time.Now().Add(time.Duration(c.passed.Load())) }

// identity and token are those of a user; each time new strings, as requests bring.
func identity(user int) string {
	return fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", user)
}

func token(user int, expires time.Time) string {
	t := fmt.Sprintf("%d.%d.", user, expires.UnixNano())
	return t + strings.Repeat("t", tokenBytes-len(t))
}

// each does something for each of n users, some at once.
func each(n int, do func(user int) error) error {
	const workers = 32
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for user := w; user < n && errs[w] == nil; user += workers {
				errs[w] = do(user)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// identify asks for the identity of a user.
func (c *crowd) identify(user int) error {
	_, err := c.service.GetId(context.Background(), &cognitoidentity.GetIdInput{
		IdentityPoolId: aws.String(pool), Logins: map[string]string{provider: token(user, c.now().Add(2*granted))},
	})
	return err
}

// ask asks for a user's credentials.
func (c *crowd) ask(user int) error {
	_, err := c.service.GetCredentialsForIdentity(context.Background(), &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: aws.String(identity(user)), Logins: map[string]string{provider: token(user, c.now().Add(2*granted))},
	})
	return err
}

// free grants everybody an hour, and costs nothing.
type free struct {
	cognito.API // what nobody here calls
	crowd       *crowd
}

func (f free) GetId(
	_ context.Context, in *cognitoidentity.GetIdInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetIdOutput, error) {
	user, _ := userOf(in.Logins[provider])
	f.crowd.directory.Recall(identity(user), pool, true)
	return &cognitoidentity.GetIdOutput{IdentityId: aws.String(identity(user))}, nil
}

func (f free) GetCredentialsForIdentity(
	_ context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	c := credentials(strings.Clone(*in.IdentityId), f.crowd.now())
	return &cognitoidentity.GetCredentialsForIdentityOutput{IdentityId: &c.IdentityID, Credentials: &types.Credentials{
		AccessKeyId: &c.AccessKeyID, SecretKey: &c.SecretKey, SessionToken: &c.SessionToken, Expiration: &c.Expires,
	}}, nil
}

// credentials are of the size of real ones.
func credentials(identity string, now time.Time) cache.Credentials {
	return cache.Credentials{
		IdentityID: identity, AccessKeyID: strings.Repeat("A", 20), SecretKey: strings.Repeat("s", 40),
		SessionToken: strings.Repeat("c", sessionBytes), Expires: now.Add(granted),
	}
}

// payload is how many bytes of credentials there are.
func payload(c cache.Credentials) int {
	return len(c.IdentityID) + len(c.AccessKeyID) + len(c.SecretKey) + len(c.SessionToken)
}

// believer proves a crowd's tokens by what they say.
type believer struct{ crowd *crowd }

func (believer) Known(name string) bool { return name == provider }

func (believer) Prove(_ context.Context, _, token string) (*logins.Proof, error) {
	user, expires := userOf(token)
	return &logins.Proof{Provider: provider, Subject: strconv.Itoa(user), ClientID: "demo-app", Expires: expires}, nil
}

func userOf(token string) (user int, expires time.Time) {
	parts := strings.SplitN(token, ".", 3)
	user, _ = strconv.Atoi(parts[0])
	ns, _ := strconv.ParseInt(parts[1], 10, 64)
	return user, time.Unix(0, ns)
}

// seen counts renewals.
type seen struct {
	unseen
	crowd *crowd
}

func (s seen) Renewal(outcome string) {
	if outcome == "ok" {
		s.crowd.renewed.Add(1)
	}
}

// unseen observes nothing.
type unseen struct{}

func (unseen) Lookup(string, string)         {}
func (unseen) Exchange(string, string)       {}
func (unseen) Flight(string)                 {}
func (unseen) FlightWait(time.Duration)      {}
func (unseen) Queue(int, int, time.Duration) {}
func (unseen) Remaining(time.Duration)       {}
func (unseen) Fence(string, time.Duration)   {}
func (unseen) Subscription(bool)             {}
func (unseen) AnnouncementsMissed()          {}
func (unseen) OpenFailed()                   {}
func (unseen) Redis(string, time.Duration)   {}
