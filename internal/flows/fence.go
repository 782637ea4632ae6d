package flows

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// beginFence begins a fence.
func (s *Service) beginFence(ctx context.Context, scopes []cache.Scope) (*cache.Fence, error) {
	fence, err := s.Epochs.Fence(ctx, scopes...)
	return fence, serviceError(err)
}

// endFence ends a fence around a change of identities that ended with err. One that was
// surely not made ends nothing. Another refusal may come after a part of the change was
// made. Where there was no answer, the change may be made yet: the epochs stay pending then
// for as long as that can take.
func (s *Service) endFence(fence *cache.Fence, err error) error {
	switch {
	case surelyNotMade(err):
		fence.Cancel()
		return nil
	case outcomeUnknown(err):
		fence.LeavePending()
		return nil
	}
	_, err = fence.Done()
	return serviceError(err)
}

// outcomeUnknown reports whether a change that failed with err may still be made: the
// backend did not say that it refused it.
func outcomeUnknown(err error) bool {
	if err == nil || !cognito.Passing(err) {
		return false
	}
	return cognito.Public(err).ErrorCode() == cognito.CodeInternal
}

// serviceError makes an error of the service of what the fleet did not do.
func serviceError(err error) error {
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
		s.deliverLater(scopes)
	}
	return serviceError(err)
}

// presentStamp is the stamp of scopes' present epochs. Where the fleet cannot be
// reached, nothing can be kept under it.
func (s *Service) presentStamp(ctx context.Context, scopes ...cache.Scope) cache.Stamp {
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
