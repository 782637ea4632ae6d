package issuer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTooManyKeys refuses a rotation while a hundred keys are published: one more
// would be cut off by verifiers, and none may go before its time.
var ErrTooManyKeys = errors.New("too many signing keys were made within 25 hours")

// Rotate makes a key, stores it and signs by it from now on; it returns its id.
// The old key verifies for another 25 hours. Rotations take turns, a waiter
// leaves with the context's error; signing and verifying wait for none. After an
// error, ErrTooManyKeys or the store's, tokens go on being signed by the key that
// was in use.
func (i *Issuer) Rotate(ctx context.Context) (kid string, err error) {
	if err := acquire(ctx, i.turn); err != nil {
		return "", fmt.Errorf("wait to rotate: %w", err)
	}
	defer release(i.turn)
	return i.rotate(ctx)
}

// rotate must be called in turn.
func (i *Issuer) rotate(ctx context.Context) (kid string, err error) {
	if len(live(i.current.Load().keys, i.time())) >= maxKeys {
		return "", ErrTooManyKeys
	}
	// A number is never used again, even if its key was not stored: that may be
	// an error of the answer only.
	i.number++
	fresh, err := makeKey(i.config.Region, i.number)
	if err != nil {
		return "", err
	}
	replaces := i.current.Load().signing != nil // the first key of all does not
	now := i.time()
	next := []*key{fresh.at(now, time.Time{})}
	for _, k := range live(i.current.Load().keys, now) {
		if !k.retired() {
			k = k.at(k.Created, now)
		}
		next = append(next, k)
	}
	if err := i.replace(ctx, newSet(next)); err != nil {
		return "", err
	}
	if replaces {
		i.config.OnRotation(fresh.ID)
	}
	return fresh.ID, nil
}

// replace stores a set, then publishes it. It must be called in turn.
func (i *Issuer) replace(ctx context.Context, next *set) error {
	i.unsaved = true
	if err := i.config.Keys.ReplaceSigningKeys(ctx, next.stored()); err != nil {
		return fmt.Errorf("store signing keys: %w", err)
	}
	i.unsaved = false
	i.current.Store(next)
	return nil
}
