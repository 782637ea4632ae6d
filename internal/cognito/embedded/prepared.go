package embedded

import (
	"context"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// prepared is a call of an operation on identities that has passed every check
// which needs no look at the store, or at one moment of it: its input is in order
// and its logins are proven. What is left is for the rules to decide.
//
// The operation and Decide prepare a call by the same function and decide it by
// the same decide, so neither allows what the other refuses.
type prepared struct {
	pool rules.Pool
	// decide tells what the call does, on one state of the store. nil: it does
	// nothing to an identity that is there (see fixed).
	decide func(tx *store.Tx) (ruling, error)
	// fixed is the decision where decide is nil.
	fixed ruling
	// newcomer is the state of an identity that the call makes, if it makes one.
	newcomer rules.State
	// guest says that a guest came, whose use is noted.
	guest bool
}

// ruling is what the rules decided of a call, on one state of the store.
type ruling struct {
	rules.Resolution
	// Unlink are the logins that Identity loses; with its last it is disabled.
	Unlink  []rules.Login
	Disable bool
	// facts are those that it rests on.
	facts rules.Facts
}

// changes reports whether anything is to be written.
func (r *ruling) changes() bool { return r.Resolution.Changes() || len(r.Unlink) > 0 }

// on decides the call on the state that tx shows.
func (p *prepared) on(tx *store.Tx) (ruling, error) {
	if p.decide == nil {
		return p.fixed, nil
	}
	return p.decide(tx)
}

// look decides a prepared call on a read of the store.
func (e *Engine) look(ctx context.Context, p *prepared) (r ruling, err error) {
	if p.decide == nil {
		return p.fixed, nil
	}
	err = e.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = p.decide(tx)
		return err
	})
	return r, err
}

// finish does what look decided. Where something is to change, it is decided again
// inside the write: another call may have been faster. A call that is refused there
// has changed nothing.
func (e *Engine) finish(ctx context.Context, p *prepared, r ruling) (ruling, error) {
	if !r.changes() {
		if p.guest {
			return r, e.used(ctx, &p.pool, r.Identity)
		}
		return r, nil
	}
	fresh := e.newIdentity(&p.pool, p.newcomer)
	err := e.update(ctx, func(tx *store.Tx) (err error) {
		if r, err = p.on(tx); err != nil {
			return err
		}
		if r.Identity == "" {
			r.Identity = fresh.ID
			if err := tx.AddIdentity(fresh); err != nil {
				return err
			}
		}
		return e.carryOut(tx, &p.pool, &r)
	})
	if err != nil {
		return ruling{}, e.orGone(&p.pool, err)
	}
	return r, nil
}

// run looks and finishes.
func (e *Engine) run(ctx context.Context, p *prepared) (ruling, error) {
	r, err := e.look(ctx, p)
	if err != nil {
		return ruling{}, err
	}
	return e.finish(ctx, p, r)
}

// carryOut merges, links and unlinks; it is one write, so nobody sees half of it.
func (e *Engine) carryOut(tx *store.Tx, pool *rules.Pool, r *ruling) error {
	for _, loser := range r.Merge {
		if err := tx.Merge(loser, r.Identity, e.now()); err != nil {
			return err
		}
	}
	for _, l := range r.Link {
		if err := tx.Link(pool.ID, l, r.Identity); err != nil {
			return err
		}
	}
	for _, l := range r.Unlink {
		if err := tx.Unlink(pool.ID, l); err != nil {
			return err
		}
	}
	switch {
	case r.Disable:
		return tx.SetState(r.Identity, rules.Disabled, e.now())
	case len(r.Merge)+len(r.Link)+len(r.Unlink) > 0:
		return tx.SetState(r.Identity, rules.Authenticated, e.now())
	}
	return nil
}
