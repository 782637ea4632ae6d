package flows

import (
	"context"
	"errors"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// stake is what a call may change: the identity that it names, if any, and all that its
// logins are of. Linking moves logins, and merging ends identities that the call does not
// name.
type stake struct {
	pool, identity string
	logins         []login
	// tokens is with how many logins an app's call comes that links what it proves; a call
	// that does anything else to identities has none.
	tokens int
	// vain says that the backend will refuse the call: all of its logins were refused here, or
	// it has none, or the identity is of another pool than the one that is named.
	vain bool
	// by are the logins that prove who calls, where they are not at stake themselves.
	by []login
	// often says that the identity's limit of refusals is reached: see attempt.
	often bool
	// vouched says that a caller of the configuration answers for the call.
	vouched bool
	// others are scopes that the call names besides.
	others []cache.Scope
	// effect is what the backend foresees, where it can.
	effect cognito.Effect
}

// stakeOf is what an app's call may change that comes with these tokens. Without any it
// changes nothing, and nothing is vain.
func (s *Service) stakeOf(ctx context.Context, pool, identity string, tokens map[string]string) stake {
	at := stake{pool: pool, identity: identity, tokens: len(tokens)}
	if len(tokens) > 0 {
		at.logins, at.vain = s.proven(ctx, tokens)
	}
	return at
}

// concerned are the scopes of a stake, each once: a fence over a scope twice would
// disturb itself.
func (s *Service) concerned(ctx context.Context, at stake) ([]cache.Scope, error) {
	scopes := slices.Concat(at.others, scopesOfLogins(at.logins), scopesOf(at.effect.Identities))
	for _, l := range at.effect.Logins {
		scopes = append(scopes, cache.LoginScope(l.Provider, l.Subject), cache.UserScope(at.effect.Pool, l.Provider, l.Subject))
	}
	if at.identity != "" {
		scopes = append(scopes, cache.IdentityScope(at.identity))
	}
	owners, err := s.owners(ctx, at.pool, at.logins)
	if err != nil {
		return nil, err
	}
	scopes = append(scopes, scopesOf(owners)...)
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

// maxSurprises is how many times a fence begins anew because owners became known.
const maxSurprises = 8

var errSurprised = errors.New("the logins' owners change too fast")

// around begins a fence around what is at stake, and tells its scopes. Whose the
// logins are is asked before and again under the fence: what was brought for an owner
// who became known between is ended too, and what is brought later is not kept (see
// ownedUnder). It fails with cognito.ErrUnavailable.
func (s *Service) around(ctx context.Context, at stake) (*cache.Fence, []cache.Scope, error) {
	scopes, err := s.concerned(ctx, at)
	for range maxSurprises {
		if err != nil {
			return nil, nil, err
		}
		fence, err := s.fence(ctx, scopes)
		if err != nil {
			return nil, nil, err
		}
		now, err := s.concerned(ctx, at)
		if err == nil && len(without(now, scopes)) == 0 {
			return fence, scopes, nil
		}
		fence.Cancel()
		if err != nil {
			return nil, nil, err
		}
		scopes = now
	}
	return nil, nil, cognito.Unavailable(errSurprised)
}

// linked reports whether a call with logins links nothing: its only login belongs to
// the identity, or did. So the identity is no guest's, and one of users becomes linked
// only by another login beside.
func (s *Service) linked(ctx context.Context, at stake) bool {
	return at.tokens == 1 && len(at.logins) == 1 && s.owns(ctx, at)
}

// owns reports whether one of a stake's logins is known to belong to the identity that is
// named, or to have belonged to it.
func (s *Service) owns(ctx context.Context, at stake) bool {
	if at.identity == "" {
		return false
	}
	for _, l := range at.logins {
		here, err := s.Directory.Owners(ctx, at.pool, l.provider, l.subject)
		if err == nil && slices.Contains(here, at.identity) {
			return true // whether or not the fleet can be asked
		}
	}
	owners, err := s.owners(ctx, at.pool, at.logins)
	return err == nil && slices.Contains(owners, at.identity)
}
