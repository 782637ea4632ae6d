package flows

import (
	"context"
	"errors"
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
func (s *Service) takePermit(ctx context.Context, by payer) error {
	if s.Exchanges == nil {
		return nil
	}
	err := s.Exchanges.Take(ctx, s.permitNames(by)...)
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
func (s *Service) permitNames(by payer) []string {
	switch {
	case len(by.logins) > 0:
		scopes := scopesOfLogins(by.logins)
		return []string{"login", string(slices.Min(scopes))} // one for a call, whichever order they come in
	case len(by.tokens) == 0:
		return []string{"guest", by.identity}
	case s.hasOwnToken(by):
		return []string{"token", by.identity}
	}
	return append([]string{"unproven", by.identity}, tokenFields(by.tokens)...)
}

// hasOwnToken reports whether a call comes with a token of the backend's own for the identity
// that it names.
func (s *Service) hasOwnToken(by payer) bool {
	token, ok := by.tokens[cognito.PassThrough]
	if !ok || s.Tokens == nil {
		return false
	}
	read, err := s.Tokens.ReadToken(token)
	return err == nil && read.Identity == by.identity
}

// exchangePermitted makes an exchange, with a permit where a client waits for it. Renewals are few
// for each identity, and need none.
func (s *Service) exchangePermitted(ctx context.Context, q query) (_ *cache.Entry, err error) {
	affected := q.fenceScopes()
	q.links = q.links && !s.linksNothing(ctx, affected)
	if q.links || q.domain == cache.DomainUnproven {
		var ended func(error)
		if ended, err = s.attempt(ctx, &affected); err != nil {
			return nil, err
		}
		defer func() { ended(err) }()
		q.overLimit = affected.overLimit
	}
	if !q.ahead {
		by := payer{q.Identity, q.Logins, q.logins}
		if q.Flow == flowDeveloper {
			by.logins = []login{userOf(q.Pool, q.Provider, q.User)}
		}
		if err := s.takePermit(ctx, by); err != nil {
			return nil, err
		}
	}
	return s.exchangeOnce(ctx, q)
}

// takePermitUncached is takePermit for a call that is not for the cache. One for an identity that
// is not known here, and of which nothing was proved, is counted against nobody: it
// may name any.
func (s *Service) takePermitUncached(
	ctx context.Context, loc location, identity string, tokens map[string]string, proven []login,
) error {
	if !loc.known && len(proven) == 0 {
		return nil
	}
	return s.takePermit(ctx, payer{identity, tokens, proven})
}
