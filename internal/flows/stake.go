package flows

import (
	"context"
	"errors"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// stake is what a call may change that names an identity, if any, and comes with
// logins: linking moves logins, and merging ends identities that the call does not
// name.
type stake struct {
	pool, identity string
	logins         []login
}

// concerned are the scopes of a stake, each once: a fence over a scope twice would
// disturb itself.
func (s *Service) concerned(ctx context.Context, at stake) ([]cache.Scope, error) {
	scopes := scopesOfLogins(at.logins)
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
const maxSurprises = 3

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

// fencedAround is fenced around what is at stake.
func fencedAround[T any](ctx context.Context, s *Service, at stake, change func(context.Context) (T, error)) (T, error) {
	fence, _, err := s.around(ctx, at)
	if err != nil {
		var none T
		return none, err
	}
	return within(ctx, s, fence, change)
}

// linked reports whether a call with logins links nothing: its only login belongs to
// the identity, or did. So the identity is no guest's, and one of users becomes linked
// only by another login beside.
func (s *Service) linked(ctx context.Context, at stake, tokens int) bool {
	if tokens != 1 || len(at.logins) != 1 || at.identity == "" {
		return false
	}
	here, err := s.Directory.Owners(ctx, at.pool, at.logins[0].provider, at.logins[0].subject)
	if err == nil && slices.Contains(here, at.identity) {
		return true // whether or not the fleet can be asked
	}
	owners, err := s.owners(ctx, at.pool, at.logins)
	return err == nil && slices.Contains(owners, at.identity)
}

// linking makes a call that comes with logins; where it may link one of them, within
// a fence around all that it may change.
func linking[T any](ctx context.Context, s *Service, links bool, at stake, tokens int, call func(context.Context) (T, error)) (T, error) {
	if !links || s.linked(ctx, at, tokens) {
		return call(ctx)
	}
	fence, _, err := s.around(ctx, at)
	if err == nil {
		return within(ctx, s, fence, call)
	}
	if s.unlinking(ctx, at, tokens, err) {
		return call(ctx)
	}
	var none T
	return none, err
}
