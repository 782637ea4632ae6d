// Package embedded is the engine: Amazon Cognito identity pools without AWS,
// behind the same port as the real service. This package is its face, SDK
// inputs to rules to SDK outputs; rules decide, store keeps, issuer signs.
//
// It verifies every login by itself and trusts nobody before it, so it is a
// drop-in for the SDK's client.
package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

// Prover verifies logins; logins.Prover is one.
type Prover interface {
	Known(provider string) bool
	Prove(ctx context.Context, provider, token string) (*logins.Proof, error)
	Peek(provider, token string) error
}

// Config holds what an engine works with. Fields without a remark are required.
type Config struct {
	Store  *store.Store
	Prover Prover
	// Providers are the login providers that Prover knows, by their keys in Logins; one that is
	// missing is a plain OpenID provider.
	Providers map[string]Provider
	// Users ask user pools for their users, by the pools' keys in Logins, for those whose entry wants
	// ServerSideTokenCheck; userpool.Checker is one. Without one nobody is let in by such an entry,
	// or, with UsersUnchecked, for development, everybody is.
	Users          map[string]UserChecker
	UsersUnchecked bool
	Issuer         *issuer.Issuer
	STS            sts.Assumer
	AccountID      string // of the pools and their roles, 12 digits
	Region         string // of pools made through the API
	// Limits are requests per second by operation; an operation that is not
	// named has none. They are for tests of clients.
	Limits map[string]float64
	// Trust are trust policies of roles, by ARN. A role without one is for whom a
	// pool hands it out to. A real STS knows its roles itself: it needs none.
	Trust map[string]*trust.Policy
	Now   func() time.Time // nil: the system's clock
}

// poolState is what all parts of the engine share: the store, the pools as they are now, quotas and
// the clock. It is safe for concurrent use.
type poolState struct {
	store     *store.Store
	accountID string
	region    string
	now       func() time.Time
	throttle  throttle

	changing sync.Mutex // held by changes of pools, so that they see each other
	pools    atomic.Pointer[map[string]rules.Pool]
}

// loginChecks decide whether a pool takes a login. They are safe for concurrent use.
type loginChecks struct {
	*poolState
	prover    Prover
	providers map[string]Provider
	users     map[string]UserChecker
	unchecked bool
	signedOut sync.Map // pools of which sign-outs were told; at most as many as there are pools
	// telling is held while a sign-out is written, and read while a token of ours gets its time: so each
	// token is made either before the sign-out was told, and says so, or when it counts.
	telling sync.RWMutex
}

// ownTokens are the tokens of the engine's own issuer: made, read again, and judged for roles. They
// are safe for concurrent use.
type ownTokens struct {
	*poolState
	checks *loginChecks
	issuer *issuer.Issuer
	trust  map[string]*trust.Policy
}

// poolOperations are the operations on pools, their roles and their tags. They are safe for concurrent
// use.
type poolOperations struct {
	*poolState
	checks *loginChecks
	pages  *pager
}

// directory tells whose logins are. It is safe for concurrent use.
type directory struct{ *poolState }

// Engine serves identity pools from a store: it has the operations on identities, and the parts that
// they share with the operations on pools. It is safe for concurrent use.
type Engine struct {
	*poolState
	*loginChecks
	*ownTokens
	*poolOperations
	*directory
	sts   sts.Assumer
	pages *pager
}

// New returns an engine over the pools in the store.
func New(ctx context.Context, c Config) (*Engine, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	key, err := c.Store.OwnSecret(ctx, "page-key", 32)
	if err != nil {
		return nil, err
	}
	pages, err := newPager(key)
	if err != nil {
		return nil, err
	}
	state := &poolState{
		store: c.Store, accountID: c.AccountID, region: c.Region, now: c.Now, throttle: newThrottle(c.Limits),
	}
	checks := &loginChecks{
		poolState: state, prover: c.Prover, providers: c.Providers, users: c.Users, unchecked: c.UsersUnchecked,
	}
	e := &Engine{
		poolState: state, loginChecks: checks,
		ownTokens:      &ownTokens{poolState: state, checks: checks, issuer: c.Issuer, trust: c.Trust},
		poolOperations: &poolOperations{poolState: state, checks: checks, pages: pages},
		directory:      &directory{state},
		sts:            c.STS, pages: pages,
	}
	if err := errors.Join(e.reload(ctx), e.loadSignOuts(ctx)); err != nil {
		return nil, err
	}
	return e, nil
}

// begin is what every operation starts with: the model's constraints, then the
// quota. An input that breaks the model costs no quota.
func (e *poolState) begin(operation string, in any) error {
	if err := cognito.Check(operation, in); err != nil {
		return err
	}
	return e.throttle.take(operation, e.now())
}

// reload publishes the pools as the store has them.
func (e *poolState) reload(ctx context.Context) error {
	var pools []rules.Pool
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		pools, err = tx.Pools()
		return err
	})
	if err != nil {
		return fmt.Errorf("load pools: %w", err)
	}
	next := make(map[string]rules.Pool, len(pools))
	for _, p := range pools {
		next[p.ID] = p
	}
	e.pools.Store(&next)
	return nil
}

// pool returns a pool by id. Its maps and lists are shared: read them only.
func (e *poolState) pool(id string) (rules.Pool, bool) {
	p, ok := (*e.pools.Load())[id]
	return p, ok
}

// poolARN names a pool as a resource.
func (e *poolState) poolARN(id string) string {
	return cognito.ARNOfPool(e.accountID, id)
}

// region is the prefix of an id.
func region(id string) string {
	prefix, _, _ := strings.Cut(id, ":")
	return prefix
}

// newID makes an id of the service's form, REGION:GUID, for a pool's region. The
// hexadecimal part is random; the version bits please clients that parse it.
func newID(region string) string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("%s:%s-%s-%s-%s-%s", region, h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}
