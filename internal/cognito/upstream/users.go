package upstream

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/userpool"
)

// Users asks user pools whether the users of logins are still there. Whether a pool wants that, by
// ServerSideTokenCheck, is not known in front of upstream: of the user pools that may be asked each
// user is asked for, and no answer from the cache rests on what is older than userpool.Fresh.
// It lets nobody in: what it fails for upstream is to judge. It is safe for concurrent use.
type Users map[string]*userpool.Checker // by user pools, as logins.Proof.Provider names them

var (
	errNoUserName = errors.New("the login has no cognito:username to ask its user pool by")
	errOwnToken   = errors.New("tokens of upstream's own are not read in front of it")
)

// RecheckLogin asks for the user of a login, if that was not done within a minute. until is when
// that has to be done again; zero: never, for nobody asks the login's provider. It fails with
// *userpool.Gone, *userpool.Unavailable, ctx's error, or for a login that has no user's name.
func (u Users) RecheckLogin(ctx context.Context, _ string, proof *logins.Proof) (until time.Time, err error) {
	users, ok := u[proof.Provider]
	if !ok {
		return time.Time{}, nil
	}
	value, _ := proof.Claim("cognito:username")
	username, _ := value.(string)
	if username == "" {
		return time.Time{}, errNoUserName
	}
	at, err := users.Check(ctx, username, proof.Subject, userpool.Fresh)
	if err != nil {
		return time.Time{}, err
	}
	return at.Add(userpool.Fresh), nil
}

// RecheckToken fails: upstream alone reads its tokens.
func (u Users) RecheckToken(context.Context, *cognito.Token) (until time.Time, err error) {
	return time.Time{}, errOwnToken
}
