package flows

import (
	"context"
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
// for his login, in all pools. It fails with the backend's refusal, with ResourceNotFoundException
// for a pool that is not served, and with cognito.ErrUnavailable where the fleet cannot be told.
func (s *Service) SignOut(ctx context.Context, out cognito.SignOut) error {
	backend, ok := s.Next.(cognito.SignOutTaker)
	if !ok || !s.serves(out.Pool) {
		return cognito.PoolNotFound(out.Pool)
	}
	callInfoOf(ctx).Pool = out.Pool
	out.Provider, out.Subject = strings.Clone(out.Provider), strings.Clone(out.Subject) // the call outlives its client
	affected := fenceScopes{
		pool: out.Pool, trusted: true, strict: true,
		logins: []login{{provider: loginkey.Normal(out.Provider), subject: out.Subject}},
	}
	release, err := s.calls.slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	_, err = s.fences.change(ctx, affected, unpredicted, func(ctx context.Context, _ []cache.Scope) error {
		return backend.SignOut(ctx, out)
	})
	return err
}
