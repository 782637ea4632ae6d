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
	// Take takes a turn for whom the names name, now. It fails with cache.ErrLimited
	// where there is none.
	Take(ctx context.Context, names ...string) error
}

// turn takes a turn for an exchange, before anything is done for it. It is counted
// against whoever proved by it who he is: against a login that was proved, in whichever
// pools (anybody can make up pools), or else against the identity where its id or its own token is the proof. An identity that a
// call only names pays for nothing, or whoever knows an id could use up what its owner
// has. What only the backend can judge is counted by the tokens themselves.
func (s *Service) turn(ctx context.Context, by payer) error {
	if s.Exchanges == nil {
		return nil
	}
	err := s.Exchanges.Take(ctx, s.names(by)...)
	if errors.Is(err, cache.ErrLimited) {
		return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), err)
	}
	return unfenced(err)
}

// payer is what is known of who makes a call.
type payer struct {
	identity string // empty where the call names none
	tokens   map[string]string
	logins   []login // those that were proved, or vouched for
}

// names name whom a call is counted against.
func (s *Service) names(by payer) []string {
	switch {
	case len(by.logins) > 0:
		scopes := scopesOfLogins(by.logins)
		return []string{"login", string(slices.Min(scopes))} // one for a call, whichever order they come in
	case len(by.tokens) == 0:
		return []string{"guest", by.identity}
	case s.own(by):
		return []string{"token", by.identity}
	}
	return append([]string{"unproven", by.identity}, spelt(by.tokens)...)
}

// own reports whether a call comes with a token of the backend's own for the identity
// that it names.
func (s *Service) own(by payer) bool {
	token, ok := by.tokens[cognito.PassThrough]
	if !ok || s.Tokens == nil {
		return false
	}
	read, err := s.Tokens.ReadToken(token)
	return err == nil && read.Identity == by.identity
}

// flyInTurn makes an exchange that an asker waits for, in its turn. Renewals ahead are
// few for each identity, and wait for none.
func (s *Service) flyInTurn(ctx context.Context, sub subject) (_ *cache.Entry, err error) {
	at := sub.stake()
	sub.links = sub.links && !s.linked(ctx, at)
	if sub.links || sub.domain == cache.DomainUnproven {
		var ended func(error)
		if ended, err = s.attempt(ctx, &at); err != nil {
			return nil, err
		}
		defer func() { ended(err) }()
		sub.often = at.often
	}
	if !sub.ahead {
		by := payer{sub.Identity, sub.Logins, sub.logins}
		if sub.Flow == flowDeveloper {
			by.logins = []login{userOf(sub.Pool, sub.Provider, sub.User)}
		}
		if err := s.turn(ctx, by); err != nil {
			return nil, err
		}
	}
	return s.fly(ctx, sub)
}

// turnUncached is turn for a call that is not for the cache. One for an identity that
// is not known here, and of which nothing was proved, is counted against nobody: it
// may name any.
func (s *Service) turnUncached(ctx context.Context, p place, identity string, tokens map[string]string, proven []login) error {
	if !p.known && len(proven) == 0 {
		return nil
	}
	return s.turn(ctx, payer{identity, tokens, proven})
}
