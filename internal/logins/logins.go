// Package logins proves logins: it verifies OpenID Connect ID tokens through
// go-oidc, behind a key set of its own that an attacker cannot make fetch. It
// knows nothing of pools and of AWS's types; its refusals carry the service's
// literal texts (docs/cognito.md#login-tokens).
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

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/errgroup"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Provider is one login provider.
type Provider struct {
	Name      string   // key in Logins: the issuer without scheme and without the last slash
	Issuer    string   // iss of its tokens, to the letter
	ClientIDs []string // azp, or else aud, must be one of them
	// Algorithms are those that its tokens may be signed by, of Algorithms; empty:
	// DefaultAlgorithms.
	Algorithms []string
	// Keys is a local source of the JWK set in place of any over HTTP.
	Keys func(ctx context.Context) ([]byte, error)
	// KeysURL is where the JWK set is; empty: discovery names it.
	KeysURL string
	// Roots sign the certificates of the servers that are asked; nil: the system's do.
	Roots *x509.CertPool
}

// Config holds what a Prover works with.
type Config struct {
	Providers []Provider
	// CognitoIssuers are refused under any key: their tokens are Cognito's own.
	CognitoIssuers []string
	Transport      http.RoundTripper // nil: a bounded one of its own
	Now            func() time.Time  // nil: the system's clock
	FetchTimeout   time.Duration     // of one fetch, discovery and keys; zero: 5 s
	ProofMemory    int               // bytes that remembered proofs take up, about; zero: 64 MiB
	// OnFetch is told of each fetch of keys and, where it failed, why; nothing in err
	// is secret. It may be nil, and is called by several goroutines.
	OnFetch func(provider string, err error)
}

// ErrUnknownProvider says that no provider of that name is configured.
var ErrUnknownProvider = errors.New("unknown login provider")

// Refused says that a token proves nothing. Message is the service's text.
type Refused struct {
	Message string
	cause   error
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
	cognito   []string
	now       func() time.Time
	proofs    *otter.Cache[memory, *Proof]
}

// memory names a remembered proof.
type memory [sha256.Size]byte

type provider struct {
	Provider
	generation [sha256.Size]byte // digest of the configuration
	keys       *keySet
	verifier   *oidc.IDTokenVerifier
}

// New returns a Prover. It fetches nothing until a login needs it.
func New(c Config) (*Prover, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.FetchTimeout == 0 {
		c.FetchTimeout = 5 * time.Second
	}
	if c.ProofMemory == 0 {
		c.ProofMemory = 64 << 20
	}
	if c.OnFetch == nil {
		c.OnFetch = func(string, error) {}
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
		if _, twice := p.providers[configured.Name]; twice {
			return nil, fmt.Errorf("login provider %s is configured twice", configured.Name)
		}
		p.providers[configured.Name] = newProvider(configured, c)
	}
	return p, nil
}

func newProvider(configured Provider, c Config) *provider {
	if len(configured.Algorithms) == 0 {
		configured.Algorithms = DefaultAlgorithms
	}
	fetch := configured.Keys
	if fetch == nil {
		client := newClient(c.Transport, configured.Roots)
		fetch = (&source{issuer: configured.Issuer, keys: configured.KeysURL, client: client}).fetch
	}
	keys := &keySet{
		name: configured.Name, fetch: fetch, now: c.Now, timeout: c.FetchTimeout, onFetch: c.OnFetch,
		algorithms: configured.Algorithms,
	}
	made := &provider{Provider: configured, keys: keys, generation: generation(&configured)}
	made.verifier = oidc.NewVerifier(configured.Issuer, keys, &oidc.Config{
		SkipClientIDCheck:    true, // azp comes before aud: see claims.go
		SkipExpiryCheck:      true, // five minutes of grace
		SupportedSigningAlgs: configured.Algorithms,
		Now:                  c.Now,
	})
	return made
}

// generation digests a provider's configuration: a proof under another is none.
func generation(p *Provider) (d [sha256.Size]byte) {
	h := sha256.New()
	for _, list := range [][]string{{p.Name, p.Issuer, p.KeysURL}, p.ClientIDs, p.Algorithms} {
		_ = binary.Write(h, binary.BigEndian, uint32(len(list)))
		for _, field := range list {
			_ = binary.Write(h, binary.BigEndian, uint32(len(field)))
			h.Write([]byte(field))
		}
	}
	h.Sum(d[:0])
	return d
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

// Ask asks a provider for its keys now, however lately it was asked, and returns how
// many of them are usable. It fails with ErrUnknownProvider, or with what is wrong
// with the provider or its configuration.
func (p *Prover) Ask(ctx context.Context, name string) (usable int, err error) {
	from := p.providers[name]
	if from == nil {
		return 0, fmt.Errorf("%w: %q", ErrUnknownProvider, name)
	}
	ctx, cancel := context.WithTimeout(ctx, from.keys.timeout)
	defer cancel()
	if err := from.keys.load(ctx); err != nil {
		return 0, err
	}
	return from.keys.current.Load().count, nil
}

// Known reports whether a provider of that name is configured.
func (p *Prover) Known(name string) bool { return p.providers[name] != nil }

// Prove verifies a token of a provider, or remembers that it did: at most 15
// minutes, until the token expires, and only while its key is current. It fails
// with *Refused, *Unavailable or ErrUnknownProvider, or with ctx's error.
func (p *Prover) Prove(ctx context.Context, name, token string) (*Proof, error) {
	from := p.providers[name]
	if from == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownProvider, name)
	}
	digest := from.digest(token)
	if proof, ok := p.proofs.GetIfPresent(digest); ok && proof.Holds(p.now()) {
		return proof, nil
	}
	proof, err := p.verify(ctx, from, token)
	if err != nil {
		return nil, err
	}
	if proof.Holds(p.now()) {
		p.proofs.Set(digest, proof)
	}
	return proof, nil
}

func (f *provider) digest(token string) (d memory) {
	h := sha256.New()
	h.Write(f.generation[:])
	h.Write([]byte(token))
	h.Sum(d[:0])
	return d
}

// Peek says what is plainly wrong with a token whose provider nobody trusts,
// from its unverified text; nil when nothing is.
func (p *Prover) Peek(name, token string) error {
	switch kind, _ := loginkey.Kind(name); kind {
	case "facebook", "amazon", "twitter", "digits":
		return nil // their tokens are no JWTs
	}
	unverified, err := peek(token)
	if err != nil {
		return err
	}
	if err := p.refuseCognito(unverified.Issuer); err != nil {
		return err
	}
	if loginkey.Of(unverified.Issuer) != name {
		return refuse(msgIssuer, nil)
	}
	return nil
}

// Run refreshes the key sets in use hourly until ctx ends, and returns after
// fetches under way.
func (p *Prover) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, from := range p.providers {
		group.Go(func() error { from.keys.run(ctx); return nil })
	}
	return group.Wait()
}
