// Package issuer is the engine's own OpenID issuer: it mints the tokens by which Cognito
// vouches for an identity (docs/cognito.md#the-openid-token), verifies them when they come
// back, and keeps and rotates the keys that sign them.
//
// A key is durable before it is published, and published before a token signed
// by it leaves; it stays published until its last token has expired. The package
// knows nothing of pools, logins and HTTP: it serves documents as bytes, and
// imports nothing of the project.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// Config holds what an issuer works with. All fields without a default are
// required.
type Config struct {
	Issuer    string        // iss of the tokens
	PublicURL string        // where discovery and keys are served
	Region    string        // begins the key ids: region, dash, growing number
	Keys      Keys          // of this issuer alone
	Rotation  time.Duration // age at which the signing key is replaced; positive

	Now        func() time.Time // nil: the system's clock
	MaxSigning int              // signatures at once; zero: GOMAXPROCS
	OnFailure  func(error)      // after each attempt of Run that failed; may be nil
	OnRecovery func()           // after the first attempt of Run that did not, behind such; may be nil
	// OnRotation is told the id of each key that replaced another, once tokens are signed by it.
	// It may be nil, and is called by whoever rotates: it must not wait for the issuer.
	OnRotation func(keyID string)
}

// Issuer mints and verifies tokens. It is safe for concurrent use: Sign, Verify
// and JWKS read one immutable set of keys and wait for no rotation.
type Issuer struct {
	config    Config
	discovery []byte
	signing   chan struct{} // holds one for each signature under way
	current   atomic.Pointer[set]

	// turn holds one while keys change. It guards what follows.
	turn    chan struct{}
	number  uint64 // of the last key that was made, stored or not
	unsaved bool   // the store may hold other keys than are published
}

// New loads the signing keys, or makes and stores the first. It drops retired
// keys that are past their time, and refuses keys that it could not have stored.
// It starts nothing: see Run.
func New(ctx context.Context, c Config) (*Issuer, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	i := &Issuer{
		config:    c,
		discovery: discovery(c.Issuer, c.PublicURL),
		signing:   make(chan struct{}, c.MaxSigning),
		turn:      make(chan struct{}, 1),
	}
	if err := i.load(ctx); err != nil {
		return nil, err
	}
	if i.current.Load().signing != nil {
		return i, nil
	}
	if _, err := i.Rotate(ctx); err != nil {
		return nil, fmt.Errorf("make the first signing key: %w", err)
	}
	return i, nil
}

// complete refuses what is missing and fills in the defaults.
func (c *Config) complete() error {
	switch {
	case c.Issuer == "" || c.PublicURL == "" || c.Region == "":
		return errors.New("issuer: expected an issuer, a public URL and a region")
	case c.Keys == nil:
		return errors.New("issuer: expected a store of keys")
	case c.Rotation <= 0:
		return errors.New("issuer: expected a positive rotation age")
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxSigning < 1 {
		c.MaxSigning = runtime.GOMAXPROCS(0)
	}
	if c.OnFailure == nil {
		c.OnFailure = func(error) {}
	}
	if c.OnRecovery == nil {
		c.OnRecovery = func() {}
	}
	if c.OnRotation == nil {
		c.OnRotation = func(string) {}
	}
	return nil
}

func (i *Issuer) load(ctx context.Context) error {
	stored, err := i.config.Keys.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	keys, err := open(stored)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	if len(keys) > 0 {
		i.number = keys[0].number
	}
	alive := live(keys, i.time())
	i.unsaved = len(alive) < len(keys)
	i.current.Store(newSet(alive))
	return nil
}

// Name is the iss of the tokens.
func (i *Issuer) Name() string { return i.config.Issuer }

// time is the clock in what tokens and keys count in: whole seconds.
func (i *Issuer) time() time.Time { return i.config.Now().UTC().Truncate(time.Second) }
