package flows

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// TakesSignOuts reports whether the backend is told of sign-outs.
func (s *Service) TakesSignOuts() bool {
	_, ok := s.Next.(cognito.SignOutTaker)
	return ok
}

// SignOut tells the backend that a user signed out at his login provider, and ends what was cached
// for his identities in the pool: what he has in others is not this pool's to end. It fails with the
// backend's refusal, with ResourceNotFoundException for a pool that is not served, and with
// cognito.ErrUnavailable where the fleet cannot be told.
func (s *Service) SignOut(ctx context.Context, out cognito.SignOut) error {
	backend, ok := s.Next.(cognito.SignOutTaker)
	if !ok || !s.serves(out.Pool) {
		return cognito.PoolNotFound(out.Pool)
	}
	callInfoOf(ctx).Pool = out.Pool
	out.Provider, out.Subject = strings.Clone(out.Provider), strings.Clone(out.Subject) // the call outlives its client
	release, err := s.calls.slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	before, err := s.ownersInPool(ctx, out)
	if err != nil {
		return err
	}
	call := func(ctx context.Context, _ []cache.Scope) error { return backend.SignOut(ctx, out) }
	if len(before) == 0 {
		err = s.fences.makeOnce(ctx, call, nil)
	} else {
		affected := fenceScopes{pool: out.Pool, trusted: true, strict: true, alsoNamed: before}
		_, err = s.fences.change(ctx, affected, unpredicted, call)
	}
	if err != nil {
		return err
	}
	after, err := s.ownersInPool(ctx, out) // the login may have been linked meanwhile
	return cmp.Or(err, s.fences.Fence(ctx, without(after, before)...))
}

// ownersInPool are the scopes of the identities of the pool that the login of a sign-out is known to
// belong to.
func (s *Service) ownersInPool(ctx context.Context, out cognito.SignOut) ([]cache.Scope, error) {
	owners, err := s.owners.owners(ctx, out.Pool, []login{{provider: loginkey.Normal(out.Provider), subject: out.Subject}})
	owners = slices.DeleteFunc(owners, func(id string) bool { return s.owners.inOtherPool(ctx, out.Pool, id) })
	slices.Sort(owners)
	return scopesOf(slices.Compact(owners)), err
}
