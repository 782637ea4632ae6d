// Package flows holds the use cases: what every request, REST or wire, runs
// through. Its Service is a cognito.API over a cognito.API and overrides what is
// cached, fenced or shared; the one-call exchange of REST is made of the same
// methods. It knows no HTTP and no wire.
package flows

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins"
)

// Prover verifies a login now, or remembers that it did (rule 1 of the design).
type Prover interface {
	Prove(ctx context.Context, provider, token string) (*logins.Proof, error)
}

// Directory knows what a backend knows of identities and pools.
type Directory interface {
	// Identity tells the pool of an identity, and whether a login that comes
	// with it would be linked.
	Identity(ctx context.Context, id string) (pool string, guest, ok bool, err error)
	// KeyClaims names the claims that can change what a pool answers, in a
	// fixed order.
	KeyClaims(pool, provider string) []string
}

// Observer counts what happens; telemetry.Metrics is one. Implementations are
// fast and safe for concurrent use.
type Observer interface {
	Lookup(tier, outcome string)
	Exchange(flow, outcome string)
	Renewal(outcome string)
	Remaining(life time.Duration)
}

// Config holds what a Service works with. Fields without a remark are required.
type Config struct {
	Next      cognito.API
	Prover    Prover
	Directory Directory
	Memory    *cache.Memory
	Epochs    *cache.Epochs
	Names     *cache.Namer
	Floors    Floors
	Observer  Observer
	// Timeout bounds an exchange, which outlives the asker who began it.
	Timeout time.Duration
	// MaxExchanges bounds how many run at once; zero means 256.
	MaxExchanges int
	Now          func() time.Time // nil: the system's clock
	Random       func() float64   // jitter in [0,1); nil: math/rand/v2
}

// Service is the decorator. It is safe for concurrent use.
type Service struct {
	Config
	flights cache.Flights[brought]
	slots   chan struct{}

	background sync.WaitGroup
	closing    atomic.Bool
}

var _ cognito.API = (*Service)(nil)

// New returns a Service. Close it to wait for its renewals.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.MaxExchanges == 0 {
		c.MaxExchanges = 256
	}
	return &Service{Config: c, slots: make(chan struct{}, c.MaxExchanges)}
}

// Close lets no renewal begin and waits for those under way, until ctx ends.
func (s *Service) Close(ctx context.Context) error {
	s.closing.Store(true)
	done := make(chan struct{})
	go func() { s.background.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Fence ends, now, everything cached for the scopes. Use it for a change that
// has already happened; one that is about to happen begins with Epochs.Fence.
func (s *Service) Fence(scopes ...cache.Scope) { s.Epochs.Fence(scopes...).Done() }

// GetId is never cached or shared: without logins each call is another person,
// with a login the backend knows best.
//
// It may link a login only to an identity that another login of the same call
// already proved to own; that is a change, and ends what was cached for it.
func (s *Service) GetId(ctx context.Context, in *cognitoidentity.GetIdInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	out, err := s.Next.GetId(ctx, in, opts...)
	if err == nil && len(in.Logins) > 1 && out.IdentityId != nil {
		s.Fence(cache.IdentityScope(*out.IdentityId))
	}
	return out, err
}

// slot takes one of the places for calls to the backend, or says that there is
// none before the asker's deadline.
func (s *Service) slot(ctx context.Context) (release func(), err error) {
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), ctx.Err())
		}
		return nil, ctx.Err()
	}
}
