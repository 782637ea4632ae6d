package embedded

import (
	"context"
	"maps"
	"time"

	"github.com/aws/smithy-go/middleware"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// changeDeadline bounds a change of a pool, which runs on when its asker leaves:
// an unknown outcome would leave the pools in memory unlike those in the store.
const changeDeadline = 10 * time.Second

// alteration is a change of a pool: how its definition changes, or why it cannot.
type alteration func(p *rules.Pool) error

// alter tells what a change makes of a pool as it is now.
func (e *poolOperations) alter(id string, change alteration) (from, to rules.Pool, err error) {
	from, ok := e.pool(id)
	if !ok {
		return from, to, cognito.PoolNotFound(id)
	}
	to = from
	return from, to, change(&to)
}

// changePool replaces a pool by what change makes of it, durably. Changes see
// each other: none is lost to another that began before it. Where the change has
// no effect on answers, note says so.
func (e *poolOperations) changePool(
	ctx context.Context, id string, note *middleware.Metadata, change alteration,
) (rules.Pool, error) {
	e.changing.Lock()
	defer e.changing.Unlock()
	from, to, err := e.alter(id, change)
	if err != nil {
		return rules.Pool{}, err
	}
	err = e.commit(ctx, func(tx *store.Tx) error { return tx.PutPool(to) },
		func(pools map[string]rules.Pool) { pools[id] = to })
	if err == nil && rules.SameInEffect(&from, &to) {
		cognito.NoteUnchanged(note)
	}
	return to, err
}

// commit writes and publishes; the caller holds changing. Where the outcome is
// not known, the store says what it was.
func (e *poolOperations) commit(
	ctx context.Context, write func(tx *store.Tx) error, publish func(pools map[string]rules.Pool),
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeDeadline)
	defer cancel()
	if err := e.update(ctx, write); err != nil {
		again, stop := context.WithTimeout(context.WithoutCancel(ctx), changeDeadline)
		defer stop()
		if failed := e.reload(again); failed != nil {
			return cognito.WithCause(cognito.Internal(), failed)
		}
		return err
	}
	next := maps.Clone(*e.pools.Load())
	publish(next)
	e.pools.Store(&next)
	return nil
}
