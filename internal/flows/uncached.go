package flows

import (
	"cmp"
	"context"

	"github.com/cognito-broker/broker/internal/cache"
)

// uncached makes a call for an identity that is not for the cache. A call that may
// link is fenced, for it may have linked even where it failed; what the backend
// took although it was not proved here may have changed the identity too.
func (s *Service) uncached(ctx context.Context, p place, id string, logins map[string]string, call func() (answer, error)) (answer, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	if p.links(logins) {
		pool := cmp.Or(p.pool, askOf(ctx).Pool)
		scopes, err := s.concerned(ctx, pool, id, s.proven(ctx, logins))
		if err != nil {
			return answer{}, err
		}
		defer s.Epochs.Fence(scopes...).Done()
	}
	got, err := call()
	changed := got.merged
	if answered := got.credentials.IdentityID; err == nil && (len(logins) > 0 || answered != id) {
		changed = append(changed, cache.IdentityScope(id), cache.IdentityScope(answered))
	}
	if len(changed) > 0 {
		s.Fence(changed...)
	}
	return got, err
}
