package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/userpool"
)

// UserChecker asks a user pool whether a user is still there; see userpool.Checker.
type UserChecker interface {
	Check(ctx context.Context, username, subject string, within time.Duration) (at time.Time, err error)
}

// Texts of ours (docs/fidelity.md#identities-and-logins).
const (
	msgUserGone   = "Invalid login token. The user does not exist or is disabled."
	msgNoUserName = "Invalid login token. Missing a required claim: cognito:username"
	msgUnchecked  = "The user pool cannot be asked: no credentials for it are configured."
)

// errUnchecked says that a pool wants a check that nothing can make.
var errUnchecked = errors.New("an app client wants ServerSideTokenCheck, and its login provider has no admin_get_user")

// checkUser asks the user pool for the user of a login, where the pool's entry for the login's
// client wants that (docs/cognito.md#login-tokens), unless that was done within the given time.
// until is when an answer that rests on it must be asked for again; zero: never.
func (e *loginChecks) checkUser(
	ctx context.Context, pool *rules.Pool, key, client string, proof *logins.Proof, within time.Duration,
) (until time.Time, err error) {
	if !pool.ChecksServerSide(key, client) {
		return time.Time{}, nil
	}
	value, _ := proof.Claim("cognito:username")
	username, _ := value.(string)
	if username == "" && e.users[key] != nil {
		return time.Time{}, cognito.NotAuthorized(msgNoUserName)
	}
	return e.askForUser(ctx, key, username, proof.Subject, within)
}

// checkTokenUsers is checkUser for a token of ours: of each login that its amr names, at a user pool
// that is asked for the users of any app client. Which one the login was made for it does not tell.
func (e *loginChecks) checkTokenUsers(
	ctx context.Context, pool *rules.Pool, amr []string, within time.Duration,
) (until time.Time, err error) {
	named, _ := rules.AMRLogins(pool, amr) // one that cannot be read speaks for nobody
	for _, login := range named {
		if !pool.ChecksUsers(login.Provider) {
			continue
		}
		stands, err := e.askForUser(ctx, login.Provider, "", login.Subject, within)
		if err != nil {
			return time.Time{}, err
		}
		if !stands.IsZero() && (until.IsZero() || stands.Before(until)) {
			until = stands
		}
	}
	return until, nil
}

// askForUser asks a user pool for a user, whose name may not be known; see userpool.Checker.
func (e *loginChecks) askForUser(
	ctx context.Context, key, username, subject string, within time.Duration,
) (until time.Time, err error) {
	users := e.users[key]
	switch {
	case users == nil && e.unchecked:
		return time.Time{}, nil
	case users == nil:
		return time.Time{}, cognito.WithCause(cognito.ExternalService(msgUnchecked), errUnchecked)
	}
	at, err := users.Check(ctx, username, subject, within)
	if gone, ok := errors.AsType[*userpool.Gone](err); ok {
		return time.Time{}, cognito.WithCause(cognito.NotAuthorized(msgUserGone), gone)
	}
	if down, ok := errors.AsType[*userpool.Unavailable](err); ok {
		return time.Time{}, cognito.WithCause(cognito.ExternalService(msgNoProvider), down)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the user pool: %w", err)
	}
	return at.Add(userpool.Fresh), nil
}
