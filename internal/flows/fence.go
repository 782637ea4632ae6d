package flows

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// fenced makes a change within a fence around what it may outdate. Where the fence
// cannot be set, nothing is changed; where it cannot be ended, nobody is told that
// it was. Both fail with cognito.ErrUnavailable.
func fenced[T any](ctx context.Context, s *Service, scopes []cache.Scope, change func(context.Context) (T, error)) (T, error) {
	var none T
	fence, err := s.fence(ctx, scopes)
	if err != nil {
		return none, err
	}
	return within(ctx, s, fence, change)
}

// within makes a change within a fence that has begun.
func within[T any](ctx context.Context, s *Service, fence *cache.Fence, change func(context.Context) (T, error)) (T, error) {
	var none T
	out, err := change(ctx)
	if ended := s.endFence(fence, err); ended != nil && err == nil {
		return none, ended
	}
	return out, err
}

// fence begins a fence.
func (s *Service) fence(ctx context.Context, scopes []cache.Scope) (*cache.Fence, error) {
	fence, err := s.Epochs.Fence(ctx, scopes...)
	return fence, unfenced(err)
}

// endFence ends a fence around a change that ended with err. A refusal may come
// after a part of the change was made. Where there was no answer, the change may be
// made yet: the epochs stay pending then for as long as that can take.
func (s *Service) endFence(fence *cache.Fence, err error) error {
	if unanswered(err) {
		fence.Leave()
		return nil
	}
	_, err = fence.Done()
	return unfenced(err)
}

// unanswered reports whether a change that failed with err may still be made: the
// backend did not say that it refused it.
func unanswered(err error) bool {
	if err == nil || !cognito.Passing(err) {
		return false
	}
	return cognito.Public(err).ErrorCode() == cognito.CodeInternal
}

// unfenced makes an error of the service of what the fleet did not do.
func unfenced(err error) error {
	if errors.Is(err, cache.ErrFleet) {
		return cognito.Unavailable(err)
	}
	return err
}

// Fence ends, now, everything cached for the scopes. Use it for a change that has
// already happened. Where the fleet cannot be reached, it fails with
// cognito.ErrUnavailable, and goes on trying in the background.
func (s *Service) Fence(ctx context.Context, scopes ...cache.Scope) error {
	fence, err := s.Epochs.Fence(ctx, scopes...)
	if err == nil {
		_, err = fence.Done()
	}
	if err != nil {
		s.owe(scopes)
	}
	return unfenced(err)
}

// present is the stamp of scopes' present epochs. Where the fleet cannot be
// reached, nothing can be kept under it.
func (s *Service) present(ctx context.Context, scopes ...cache.Scope) cache.Stamp {
	stamp := s.Epochs.Read(scopes...)
	if s.Shared == nil {
		return stamp
	}
	shared, err := s.Shared.Stamp(ctx, stamp)
	if err != nil {
		return stamp
	}
	return shared
}
