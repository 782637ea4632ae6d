package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/userpool"
)

var _ cognito.SignOutTaker = (*Engine)(nil)

// Texts of ours (docs/fidelity.md#identities-and-logins).
const (
	msgSignedOut = "Invalid login token. The user was signed out."
	// maxSubject is the longest user of a provider, in characters.
	maxSubject = 1024
)

// errSignedOut tells explanations what is wrong with a login.
var errSignedOut = errors.New("it was authenticated before the time that was told for a sign-out of this user, or " +
	"does not say when")

// SignOut notes that a user's older logins count no more. See cognito.SignOutTaker.
func (e *loginChecks) SignOut(ctx context.Context, s cognito.SignOut) error {
	pool, ok := e.pool(s.Pool)
	if !ok {
		return cognito.PoolNotFound(s.Pool)
	}
	e.telling.Lock()
	defer e.telling.Unlock()
	now := e.now()
	login := rules.Login{Provider: pool.Key(s.Provider), Subject: s.Subject}
	switch subject := []rune(s.Subject); {
	case !pool.Accepts(login.Provider):
		return cognito.InvalidParameter("provider is not a login provider of the pool.")
	case rules.Timeless(login.Provider):
		return cognito.InvalidParameter(rules.MsgTimeless)
	case len(subject) == 0 || len(subject) > maxSubject:
		return cognito.InvalidParameter("subject has to have 1 to 1024 characters.")
	case s.NotBefore.After(now.Add(rules.MaxAhead)):
		return cognito.InvalidParameter(rules.MsgAhead)
	}
	err := e.update(ctx, func(tx *store.Tx) error {
		return tx.PutSignOut(pool.ID, login, store.SignOut{NotBefore: s.NotBefore, Told: now})
	})
	if err != nil {
		return e.orGone(&pool, err)
	}
	e.signedOut.Store(pool.ID, true)
	return nil
}

// loadSignOuts learns of which pools sign-outs were told: those of others need no look.
func (e *loginChecks) loadSignOuts(ctx context.Context) error {
	return e.store.View(ctx, func(tx *store.Tx) error {
		pools, err := tx.SignOutPools()
		for _, id := range pools {
			e.signedOut.Store(id, true)
		}
		return err
	})
}

// checkSignOut refuses a login that is older than a sign-out of its user.
func (e *loginChecks) checkSignOut(
	ctx context.Context, pool *rules.Pool, login rules.Login, proof rules.Claims,
) error {
	if _, any := e.signedOut.Load(pool.ID); !any {
		return nil
	}
	return e.store.View(ctx, func(tx *store.Tx) error {
		told, ok, err := tx.SignOut(pool.ID, login)
		if err != nil || !ok {
			return err
		}
		if at, stated := authenticated(proof); !stated || at.Before(told.NotBefore) {
			return cognito.WithCause(cognito.NotAuthorized(msgSignedOut), errSignedOut)
		}
		return nil
	})
}

// stillTaken refuses a call of which a login is older than a sign-out of its user. It is for the moment
// when all logins of the call are proved: the proof of one may take long after another one's.
func (e *loginChecks) stillTaken(ctx context.Context, pool *rules.Pool, proven []rules.Proven) error {
	for _, p := range proven {
		if p.Claims == nil {
			continue // of a token of ours, which is checked itself
		}
		if err := e.checkSignOut(ctx, pool, p.Login, p.Claims); err != nil {
			return err
		}
	}
	return nil
}

// authenticated is when the user of a login authenticated himself: auth_time, else when the
// token was made.
func authenticated(proof rules.Claims) (at time.Time, stated bool) {
	for _, name := range []string{"auth_time", "iat"} {
		value, ok := proof.Claim(name)
		if !ok || value == nil {
			continue
		}
		number, _ := value.(json.Number)
		seconds, err := number.Float64()
		if err != nil || seconds < 0 || seconds > 1<<40 {
			return time.Time{}, false
		}
		return time.UnixMilli(int64(seconds * 1000)), true
	}
	return time.Time{}, false
}

// checkTokenSignOut refuses a token of ours that was made for a login before its user's
// sign-out was told.
func (e *loginChecks) checkTokenSignOut(tx *store.Tx, pool *rules.Pool, t *cognito.Token) error {
	if _, any := e.signedOut.Load(pool.ID); !any {
		return nil
	}
	named, _ := rules.AMRLogins(pool, t.AMR)
	for _, login := range named {
		told, ok, err := tx.SignOut(pool.ID, login)
		if err != nil {
			return err
		}
		if ok && !t.Issued.After(told.Told) {
			return cognito.WithCause(cognito.NotAuthorized(msgSignedOut), errSignedOut)
		}
	}
	return nil
}

// RecheckLogin refuses a login that is proved and that the pool does not take any more. Where
// it does, that stands until a time; zero: until something of it changes through us.
func (e *loginChecks) RecheckLogin(ctx context.Context, id string, proof *logins.Proof) (until time.Time, err error) {
	pool, ok := e.pool(id)
	if !ok {
		return time.Time{}, nil // the call itself is refused
	}
	login := rules.Login{Provider: proof.Provider, Subject: proof.Subject}
	if err := e.checkSignOut(ctx, &pool, login, proof); err != nil {
		return time.Time{}, err
	}
	client, listed := e.client(&pool, proof.Provider, proof.Audience)
	if !listed {
		return time.Time{}, nil // the call itself is refused, or its clients stand elsewhere
	}
	return e.checkUser(ctx, &pool, proof.Provider, client, proof, userpool.Fresh)
}

// RecheckToken is RecheckLogin for a genuine token of ours.
func (e *loginChecks) RecheckToken(ctx context.Context, t *cognito.Token) (until time.Time, err error) {
	pool, ok := e.pool(t.Pool)
	if !ok {
		return time.Time{}, nil
	}
	err = e.store.View(ctx, func(tx *store.Tx) error { return e.checkTokenSignOut(tx, &pool, t) })
	if err != nil {
		return time.Time{}, err
	}
	return e.checkTokenUsers(ctx, &pool, t.AMR, userpool.Fresh)
}
