package flows

import (
	"cmp"
	"context"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
)

// uncached makes a call for an identity that is not for the cache. What the backend took
// although it was not proved here may have changed the identity too.
func (s *Service) uncached(
	ctx context.Context, loc location, r request, call func(context.Context) (answer, error),
) (answer, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	affected := s.fenceScopesOf(ctx, cmp.Or(loc.pool, callInfoOf(ctx).Pool), r.Identity, r.Logins)
	turn := func() error { return s.takePermitUncached(ctx, loc, r.Identity, r.Logins, affected.logins) }
	var got answer // also of a call that failed
	_, err = callThatMayLink(ctx, s, loc.links(r.Logins), affected, r.input(), turn, func(
		ctx context.Context,
	) (_ *answer, err error) {
		got, err = call(ctx)
		return &got, err
	})
	if err != nil {
		s.endDisowned(ctx, affected, err)
		return got, cmp.Or(s.endMerged(ctx, got), err)
	}
	changed, answered := got.merged, got.credentials.IdentityID
	if answered != r.Identity {
		changed = append(changed, cache.IdentityScope(r.Identity), cache.IdentityScope(answered))
	} else if len(r.Logins) > 0 {
		s.tryEnd(ctx, cache.IdentityScope(r.Identity))
	}
	return got, s.endScopes(ctx, changed)
}

// tryEnd ends what is cached for a scope, if that can be done now. Nothing should
// have changed it that no fence was around.
func (s *Service) tryEnd(ctx context.Context, scope cache.Scope) {
	if fence, err := s.Epochs.Fence(ctx, scope); err == nil {
		_, _ = fence.Done()
	}
}

// endMerged ends what lost a merge in a call that failed afterwards.
func (s *Service) endMerged(ctx context.Context, got answer) error {
	return s.endScopes(ctx, got.merged)
}

// endScopes fences scopes of which there may be none.
func (s *Service) endScopes(ctx context.Context, scopes []cache.Scope) error {
	if len(scopes) == 0 {
		return nil
	}
	slices.Sort(scopes)
	return s.Fence(ctx, slices.Compact(scopes)...)
}
