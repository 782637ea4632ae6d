// Package logins proves logins: that a token was made by a login provider, for one of our
// clients, and whose login it is. Each kind of provider has a Verifier; OpenID providers'
// ID tokens are verified through go-oidc, behind a key set of our own that an attacker
// cannot make fetch. The package knows nothing of pools and of AWS's types; its refusals
// carry the service's literal texts (docs/cognito.md#login-tokens).
package logins

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/errgroup"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/saml"
)

// Provider is one login provider.
type Provider struct {
	Name   string        // key in Logins: the issuer without scheme and without the last slash
	Kind   loginkey.Kind // empty: loginkey.OIDC
	Issuer string        // iss of its tokens, to the letter; but for plain OpenID providers empty: the kind's own
	// ClientIDs are whom its tokens may be for. Of the kinds whose clients the pools list
	// they may be for others too, and a proof says so. Of Facebook the first is the app of AppSecret.
	ClientIDs []string
	// Algorithms are those that its tokens may be signed by, of Algorithms; empty:
	// DefaultAlgorithms.
	Algorithms []string
	// Keys is a local source of the JWK set in place of any over HTTP.
	Keys func(ctx context.Context) ([]byte, error)
	// KeysURL is where the JWK set is; empty: discovery names it.
	KeysURL string
	// Endpoint is the base URL that is asked in place of the kind's own: where a user pool's keys are (without
	// the pool's id), Facebook's Graph, Amazon's API.
	Endpoint string
	// AppSecret is the secret of the app ClientIDs[0] at Facebook; empty: its tokens are asked
	// about by themselves.
	AppSecret string
	// NoLimitedLogin refuses the ID tokens of Facebook's Limited Login.
	NoLimitedLogin bool
	// Roots sign the certificates of the servers that are asked; nil: the system's do.
	Roots *x509.CertPool
	// SAML is how a provider of kind saml is set up; its clock is Config's.
	SAML *saml.Config
	// Metadata reads SAML's metadata again; nil: it stays as it was.
	Metadata func(ctx context.Context) ([]byte, error)
}

// Config holds what a Prover works with.
type Config struct {
	Providers []Provider
	// CognitoIssuers are refused under any key: their tokens are Cognito's own.
	CognitoIssuers []string
	Transport      http.RoundTripper // nil: a bounded one of its own
	Now            func() time.Time  // nil: the system's clock
	// FetchTimeout is for one fetch, discovery and keys; zero: 5 s, and 3 s of kinds that
	// are no plain OpenID providers.
	FetchTimeout time.Duration
	ProofMemory  int // bytes that remembered proofs take up, about; zero: 64 MiB
	// NewTokens limits how many tokens of which only their provider can tell anything a
	// client's address (WithAddress) may bring; those that prove something do not count.
	// nil: no limit.
	NewTokens Allowance
	// OnFetch is told of each fetch of keys and, where it failed, why; nothing in err
	// is secret. It may be nil, and is called by several goroutines.
	OnFetch func(provider string, err error)
	// OnKeys is told when a fetch brought other keys than the one before: how many are new,
	// and how many are gone. The first fetch is no change. As OnFetch otherwise.
	OnKeys func(provider string, added, gone int)
	// OnQuestion is told when a provider answered a question about a token, whatever the
	// answer was (nil), or could not be asked, and why. As OnFetch otherwise.
	OnQuestion func(provider string, err error)
}

// ErrUnknownProvider says that no provider of that name is configured.
var ErrUnknownProvider = errors.New("unknown login provider")

// Refused says that a token proves nothing. Message is the service's text.
type Refused struct {
	Message string
	// Audience is whom the token is for, where its signature is good and only its time is
	// not, of kinds whose clients the pools list: whether a pool does comes first.
	Audience []string
	cause    error
}

func (r *Refused) Error() string { return r.Message }

// Unwrap returns what was wrong in detail; it never holds the token.
func (r *Refused) Unwrap() error { return r.cause }

// Unavailable says that a provider cannot be asked now. It says nothing about
// the token.
type Unavailable struct {
	Provider string
	cause    error
}

func (u *Unavailable) Error() string {
	return fmt.Sprintf("login provider %s is unavailable: %v", u.Provider, u.cause)
}

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.cause }

// Prover proves logins. It is safe for concurrent use.
type Prover struct {
	providers map[string]*provider
	cognito   issuers
	now       func() time.Time
	proofs    *otter.Cache[memory, *Proof]
}

// memory names a remembered proof.
type memory [sha256.Size]byte

// provider is a configured provider.
type provider struct {
	Verifier
	name string
}

// New returns a Prover. It fetches nothing until a login needs it. It refuses two providers
// of one name, and kinds that are not built.
func New(c Config) (*Prover, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ProofMemory == 0 {
		c.ProofMemory = 64 << 20
	}
	if c.NewTokens == nil {
		c.NewTokens = noLimit{}
	}
	if c.OnQuestion == nil {
		c.OnQuestion = func(string, error) {}
	}
	if c.OnFetch == nil {
		c.OnFetch = func(string, error) {}
	}
	if c.OnKeys == nil {
		c.OnKeys = func(string, int, int) {}
	}
	proofs, err := otter.New(&otter.Options[memory, *Proof]{
		MaximumWeight:    uint64(c.ProofMemory),
		Weigher:          func(_ memory, p *Proof) uint32 { return uint32(p.weight()) },
		ExpiryCalculator: otter.ExpiryCreating[memory, *Proof](proofLimit),
	})
	if err != nil {
		return nil, fmt.Errorf("make proof memory: %w", err)
	}
	p := &Prover{providers: map[string]*provider{}, cognito: c.CognitoIssuers, now: c.Now, proofs: proofs}
	for _, configured := range c.Providers {
		configured.Name = loginkey.Normal(configured.Name)
		if _, twice := p.providers[configured.Name]; twice {
			return nil, fmt.Errorf("login provider %s is configured twice", configured.Name)
		}
		verifier, err := newVerifier(configured, &c)
		if err != nil {
			return nil, err
		}
		p.providers[configured.Name] = &provider{Verifier: verifier, name: configured.Name}
	}
	return p, nil
}

// CheckKeys reports why a JWK set verifies no token by the algorithms; empty:
// DefaultAlgorithms. It returns how many of its keys may.
func CheckKeys(set []byte, algorithms []string) (usable int, err error) {
	if len(algorithms) == 0 {
		algorithms = DefaultAlgorithms
	}
	s, err := parseKeys(set, algorithms)
	if err != nil {
		return 0, err
	}
	return s.count, nil
}

// Ask asks a provider now, however lately it was asked, for what its tokens are judged by,
// and says what it found, such as "2 usable keys". It fails with ErrUnknownProvider, or with what is wrong
// with the provider or its configuration.
func (p *Prover) Ask(ctx context.Context, name string) (found string, err error) {
	from := p.provider(name)
	if from == nil {
		return "", fmt.Errorf("%w: %q", ErrUnknownProvider, name)
	}
	return from.Ask(ctx)
}

// Known reports whether a provider of that name is configured; a user pool has two names.
func (p *Prover) Known(name string) bool { return p.provider(name) != nil }

func (p *Prover) provider(name string) *provider { return p.providers[loginkey.Normal(name)] }

// Prove verifies a token of a provider, or remembers that it did: at most 15
// minutes, until the token expires, and only while what the proof rests on stands. What it
// remembers is bound to the token by its SHA-256, and holds no claims: those are had
// again. It fails with *Refused, *Unavailable, *Limited or ErrUnknownProvider, or with ctx's error.
func (p *Prover) Prove(ctx context.Context, name, token string) (*Proof, error) {
	from := p.provider(name)
	if from == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownProvider, name)
	}
	digest := from.digest(token)
	if proof, ok := p.proofs.GetIfPresent(digest); ok && proof.Holds(p.now()) {
		if whole, err := from.Recall(proof, token); err == nil {
			return whole, nil
		}
	}
	proof, err := from.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if proof.Holds(p.now()) {
		p.proofs.Set(digest, proof.remembered())
	}
	return proof, nil
}

func (f *provider) digest(token string) (d memory) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(f.name))))
	h.Write([]byte(f.name))
	h.Write([]byte(token))
	h.Sum(d[:0])
	return d
}

// Peek says what is plainly wrong with a token whose provider nobody trusts,
// from its unverified text; nil when nothing is.
func (p *Prover) Peek(name, token string) error {
	if kind, _ := loginkey.KindOf(name); kind.Opaque() {
		return nil
	}
	unverified, err := peek(token)
	if err != nil {
		return err
	}
	if err := p.cognito.refuse(unverified.Issuer); err != nil {
		return err
	}
	if loginkey.Normal(loginkey.Of(unverified.Issuer)) != loginkey.Normal(name) {
		return refuse(msgIssuer, nil)
	}
	return nil
}

// Run has all verifiers keep up what they judge by, until ctx ends, and returns after
// fetches under way.
func (p *Prover) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, from := range p.providers {
		group.Go(func() error { from.Run(ctx); return nil })
	}
	return group.Wait()
}
