package flows

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Exchanges limits how many exchanges one user or guest costs. It is safe for
// concurrent use.
type Exchanges interface {
	// Take takes a permit for whom the names name, now. It fails with cache.ErrLimited
	// where there is none.
	Take(ctx context.Context, names ...string) error
}

// takePermit takes a permit for an exchange, before anything is done for it. It is counted
// against whoever proved by it who he is: against a login that was proved, in whichever
// pools (anybody can make up pools), or else against the identity where its id or its own token is
// the proof. Nothing is counted against an identity that a call only names, or whoever knows an id
// could use up what its owner has. What only the backend can judge is counted by the tokens.
func (b *backendCalls) takePermit(ctx context.Context, by payer) error {
	if b.Exchanges == nil {
		return nil
	}
	err := b.Exchanges.Take(ctx, b.permitNames(by)...)
	if errors.Is(err, cache.ErrLimited) {
		return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), err)
	}
	return serviceError(err)
}

// payer is what is known of who makes a call.
type payer struct {
	identity string // empty where the call names none
	tokens   map[string]string
	logins   []login // those that were proved, or vouched for
}

// permitNames name whom a call is counted against.
func (b *backendCalls) permitNames(by payer) []string {
	switch {
	case len(by.logins) > 0:
		scopes := scopesOfLogins(by.logins)
		return []string{"login", string(slices.Min(scopes))} // one for a call, whichever order they come in
	case len(by.tokens) == 0:
		return []string{"guest", by.identity}
	case b.hasOwnToken(by):
		return []string{"token", by.identity}
	}
	return append([]string{"unproven", by.identity}, tokenFields(by.tokens)...)
}

// hasOwnToken reports whether a call comes with a token of the backend's own for the identity
// that it names.
func (b *backendCalls) hasOwnToken(by payer) bool {
	token, ok := by.tokens[cognito.PassThrough]
	if !ok || b.Tokens == nil {
		return false
	}
	read, err := b.Tokens.ReadToken(token)
	return err == nil && read.Identity == by.identity
}

// awaitGuestPermit waits for a permit to make a guest in a pool. An address of which too many calls
// were refused lately gets none, or each pool that somebody makes up would have permits of its
// own. It fails with TooManyRequestsException.
func (b *backendCalls) awaitGuestPermit(ctx context.Context, pool string) error {
	address := callInfoOf(ctx).Address
	if wait := takeRefusal(b.Refusals.Addresses, address); wait > 0 {
		return tooManyRefused(wait)
	}
	returnRefusal(b.Refusals.Addresses, address) // whether this one is refused counts when it is made
	if b.Guests == nil {
		return nil
	}
	if err := b.Guests.Wait(ctx, address, pool); err != nil {
		return cognito.WithCause(
			cognito.TooManyRequests(cognito.MsgRateExceeded),
			fmt.Errorf("a guest has no turn in time: %w", errors.Join(err, cache.ErrLimited)),
		)
	}
	return nil
}
