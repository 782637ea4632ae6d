// Package embedded is the engine: Amazon Cognito identity pools without AWS,
// behind the same port as the real service. This package is its face, SDK
// inputs to rules to SDK outputs; rules decide, store keeps.
//
// It verifies every login by itself and trusts nobody before it, so it is a
// drop-in for the SDK's client.
package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

// Prover verifies logins; logins.Prover is one.
type Prover interface {
	Known(provider string) bool
	Prove(ctx context.Context, provider, token string) (*logins.Proof, error)
	Peek(provider, token string) error
}

// Config holds what an engine works with. All fields but Now are required.
type Config struct {
	Store     *store.Store
	Prover    Prover
	STS       sts.Assumer
	AccountID string           // of the pools and their roles, 12 digits
	Now       func() time.Time // nil: the system's clock
}

// Engine serves identity pools from a store. It is safe for concurrent use.
type Engine struct {
	store     *store.Store
	prover    Prover
	sts       sts.Assumer
	accountID string
	now       func() time.Time
	pools     atomic.Pointer[map[string]rules.Pool]
}

// New returns an engine over the pools in the store.
func New(ctx context.Context, c Config) (*Engine, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	e := &Engine{store: c.Store, prover: c.Prover, sts: c.STS, accountID: c.AccountID, now: c.Now}
	var pools []rules.Pool
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		pools, err = tx.Pools()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load pools: %w", err)
	}
	e.publish(pools)
	return e, nil
}

// ApplyPools makes the pools that are missing and brings those in line that
// differ; others stay as they are.
func (e *Engine) ApplyPools(ctx context.Context, pools []rules.Pool) error {
	err := e.store.Update(ctx, func(tx *store.Tx) error {
		for _, p := range pools {
			if err := tx.PutPool(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("apply pools: %w", err)
	}
	e.publish(pools)
	return nil
}

func (e *Engine) publish(changed []rules.Pool) {
	next := map[string]rules.Pool{}
	if old := e.pools.Load(); old != nil {
		maps.Copy(next, *old)
	}
	for _, p := range changed {
		next[p.ID] = p
	}
	e.pools.Store(&next)
}

func (e *Engine) pool(id string) (rules.Pool, bool) {
	p, ok := (*e.pools.Load())[id]
	return p, ok
}

// Identity tells which pool an identity is of, and whether it is still a guest,
// so that a call with logins would link them.
func (e *Engine) Identity(ctx context.Context, id string) (pool string, guest, ok bool, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		i, found, err := tx.Identity(id)
		pool, guest, ok = i.Pool, i.State == rules.Guest, found
		return err
	})
	return pool, guest, ok, err
}

// KeyClaims names the claims of a provider's tokens that can change what a pool
// answers, in a fixed order.
func (e *Engine) KeyClaims(pool, provider string) []string {
	return []string{"cognito:preferred_role", "cognito:roles"}
}

// newID makes an id of the service's form, REGION:GUID, for a pool's region. The
// hexadecimal part is random; the version bits please clients that parse it.
func newID(region string) string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return region + ":" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
