// Package flows holds the use cases: what every request, REST or wire, runs
// through. Its Service is a cognito.API over a cognito.API and overrides what is
// cached, fenced or shared; the one-call exchanges of REST are made of the same
// methods. It knows no HTTP and no wire.
//
// A server serves, a fencer fences and a renewer renews; the Service is made of them
// (docs/architecture.md#the-parts-of-the-use-cases).
package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

// Prover verifies a login now, or remembers that it did (docs/architecture.md#proof).
type Prover interface {
	// Known reports whether a provider's tokens can be proved here. Those of
	// others are judged by the backend alone.
	Known(provider string) bool
	Prove(ctx context.Context, provider, token string) (*logins.Proof, error)
}

// TokenReader verifies tokens of the backend's own.
type TokenReader interface {
	ReadToken(token string) (*cognito.Token, error)
}

// Rechecker knows of proved logins, and of genuine tokens, that a backend does not take any more
// although their proof holds: their user signed out since.
type Rechecker interface {
	// RecheckLogin fails for a login that the pool does not take now. Where it does, that stands
	// until a time; zero: until a fence.
	RecheckLogin(ctx context.Context, pool string, proof *logins.Proof) (until time.Time, err error)
	// RecheckToken is RecheckLogin for a genuine token.
	RecheckToken(ctx context.Context, t *cognito.Token) (until time.Time, err error)
}

// Directory knows what a backend knows of identities and pools.
type Directory interface {
	// Identity tells the pool of an identity, and whether a login that comes
	// with it may become linked.
	Identity(ctx context.Context, id string) (pool string, mayLink, ok bool, err error)
	// Matters reports whether a claim can change what a pool answers.
	Matters(pool, provider, claim string) bool
	// Owners tells which identity a login belongs to, as far as is known; where that
	// may be out of date, also those that it belonged to before. pool is empty where it
	// is not known; then identities of any pool may be told.
	Owners(ctx context.Context, pool, provider, subject string) ([]string, error)
	// Owns notes that an answer told which identity a login belongs to.
	Owns(pool, provider, subject, id string)
	// Disowns notes that an answer told that a login does not belong to an identity. One that
	// was told to be its owner a moment ago stays.
	Disowns(provider, subject, id string)
}

// Guests limits how fast an address makes guests in a pool. Wait takes a permit or
// fails when none comes before ctx's deadline.
type Guests interface {
	Wait(ctx context.Context, address, pool string) error
}

// Shared is the cache that a fleet of brokers shares. Its methods fail with
// cache.ErrFleet.
type Shared interface {
	// Find looks for a key's entry. stamp is of its home and its pool, read before;
	// read stamps what else the entry turns out to rest on. With sparing, nothing is made
	// for a pool of which the fleet knows nothing.
	Find(
		ctx context.Context, key cache.Key, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp, sparing bool,
	) (cache.Found, error)
	// Ref is where the entry of a key stands whose stamp is that, for those who may
	// have it again.
	Ref(key cache.Key, stamp cache.Stamp) cache.EntryRef
	// Stamp adds the epochs that the fleet has now to a stamp of this process.
	Stamp(ctx context.Context, stamp cache.Stamp) (cache.Stamp, error)
	// Store stores an entry, if its stamp stands. The first scope of its stamp is its
	// home, the second its pool.
	Store(ctx context.Context, key cache.Key, e *cache.Entry) error
	// Lock takes the lock of a flight where no broker has it, and keeps it up while
	// ctx lasts; otherwise holder names the broker that has it, which Await waits for.
	Lock(ctx context.Context, flight cache.Flight) (lock cache.Lock, holder cache.LockHolder, err error)
	// Await waits until that lock has ended, or the flight's stamp no longer stands,
	// and returns how the flight failed, if its holder left that. It fails with ctx
	// too.
	Await(ctx context.Context, flight cache.Flight, holder cache.LockHolder) (*cache.Failure, error)
	// StampQuiet is Stamp for scopes of which no change ended since that long ago; the
	// stamp of others does not stand.
	StampQuiet(ctx context.Context, stamp cache.Stamp, since time.Duration) (cache.Stamp, error)
	Owners
	PoolChanges
	DeferredEnds
}

// DeferredEnds is what a fleet keeps of scopes that end later, for a broker that dies before. A call
// that is named has notes of its own; those without one are of all calls whose outcome is unknown.
type DeferredEnds interface {
	// PutDeferredEnds notes scopes that end in so long, or puts them off.
	PutDeferredEnds(ctx context.Context, call string, ends []cache.DeferredEnd, in time.Duration) error
	// DropDeferredEnds forgets the scopes of a call, or those without one that were due.
	DropDeferredEnds(ctx context.Context, call string, scopes []cache.Scope) error
	// TakeOverDeferredEnds are some that were due so long ago and have not ended; this broker
	// ends them.
	TakeOverDeferredEnds(ctx context.Context, late time.Duration) ([]cache.DeferredEnd, error)
}

// Owners is what a fleet knows of whose logins are, named by their scopes.
type Owners interface {
	// AddOwner notes that an answer told whose a login is, and returns the login's
	// present epoch; zero while it is being changed.
	AddOwner(ctx context.Context, login cache.Scope, pool, id string) (cache.Epoch, error)
	// DropOwner notes that an answer told that a login does not belong to an identity. One that
	// was told to be its owner a moment ago stays.
	DropOwner(ctx context.Context, login cache.Scope, pool, id string) error
	// Owners are the identities that each of the logins was told to belong to.
	Owners(ctx context.Context, logins ...cache.Scope) ([][]string, error)
}

// Observer counts what happens; telemetry.Metrics is one. Implementations are
// fast and safe for concurrent use.
type Observer interface {
	Lookup(tier, outcome string)
	Exchange(flow, outcome string)
	Flight(outcome string)
	FlightWait(waited time.Duration)
	Renewal(outcome string)
	// Queue tells how many renewals this broker claimed, how many are scheduled, and how
	// long the first had been up.
	Queue(claimed, scheduled int, overdue time.Duration)
	Remaining(life time.Duration)
}

// Config holds what a Service works with. Fields without a remark are required.
type Config struct {
	Next      cognito.API
	STS       sts.API // for the classic flow
	Prover    Prover
	Tokens    TokenReader // nil: the backend alone reads its tokens
	Directory Directory
	Rechecks  Rechecker // nil: what is proved is taken
	Guests    Guests    // nil: no limit
	Exchanges Exchanges // nil: no limit
	Refusals  Refusals
	// Pools are the pools that are served; empty: any.
	Pools []string
	// DeveloperNames are developer providers by pool, for those that need not be
	// asked of the backend.
	DeveloperNames map[string]string
	Memory         *cache.Memory
	Epochs         *cache.Epochs
	Shared         Shared   // nil: this process is alone
	Settings       Settings // nil: they last as long as what is kept
	// Schedule is when a fleet's entries are renewed; nil: this process renews what it
	// serves.
	Schedule Schedule
	Names    *cache.Namer
	Floors   Floors
	// RenewIdle is how long after its last client an entry is renewed ahead.
	RenewIdle time.Duration
	Observer  Observer
	// Unreadable hears, once, of each part of a pool that is changed and may not be read,
	// and why. Nil: nobody.
	Unreadable func(pool string, err error)
	// Owed hears when the fleet could not be told what a change outdated, and when it has heard of
	// all there was. It returns at once. Nil: nobody.
	Owed func(owed bool)
	// Timeout bounds an exchange, which outlives the client who began it.
	Timeout time.Duration
	// MaxExchanges bounds how many run at once; zero means 256. A client address has a quarter.
	MaxExchanges int
	// MaxRenewals bounds how many entries are scheduled; zero means 100,000.
	MaxRenewals int
	Now         func() time.Time // nil: the system's clock
	Random      func() float64   // jitter in [0,1); nil: math/rand/v2
}
