package flows

import (
	"cmp"
	"context"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
)

// uncached makes a call for an identity that is not for the cache. A call that may
// link is fenced, for it may have linked even where it failed; what the backend
// took although it was not proved here may have changed the identity too.
func (s *Service) uncached(ctx context.Context, p place, id string, logins map[string]string, call func(context.Context) (answer, error)) (answer, error) {
	proven := s.proven(ctx, logins)
	if err := s.turnUncached(ctx, p, id, logins, proven); err != nil {
		return answer{}, err
	}
	release, err := s.slot(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	var got answer
	if p.links(logins) {
		at := stake{pool: cmp.Or(p.pool, askOf(ctx).Pool), identity: id, logins: proven}
		got, err = linking(ctx, s, true, at, len(logins), call)
	} else {
		got, err = call(ctx)
	}
	if err != nil {
		s.refused(ctx, p, id, logins, err)
		return got, cmp.Or(s.endMerged(ctx, got), err)
	}
	changed, answered := got.merged, got.credentials.IdentityID
	if answered != id {
		changed = append(changed, cache.IdentityScope(id), cache.IdentityScope(answered))
	} else if len(logins) > 0 {
		s.precaution(ctx, cache.IdentityScope(id))
	}
	return got, s.endAll(ctx, changed)
}

// precaution ends what is cached for a scope, if that can be done now. Nothing should
// have changed it that no fence was around.
func (s *Service) precaution(ctx context.Context, scope cache.Scope) {
	if fence, err := s.Epochs.Fence(ctx, scope); err == nil {
		_, _ = fence.Done()
	}
}

// endMerged ends what lost a merge in a call that failed afterwards.
func (s *Service) endMerged(ctx context.Context, got answer) error { return s.endAll(ctx, got.merged) }

// endAll fences scopes of which there may be none.
func (s *Service) endAll(ctx context.Context, scopes []cache.Scope) error {
	if len(scopes) == 0 {
		return nil
	}
	slices.Sort(scopes)
	return s.Fence(ctx, slices.Compact(scopes)...)
}
