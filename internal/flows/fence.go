package flows

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// fence begins a fence.
func (s *Service) fence(ctx context.Context, scopes []cache.Scope) (*cache.Fence, error) {
	fence, err := s.Epochs.Fence(ctx, scopes...)
	return fence, unfenced(err)
}

// endFence ends a fence around a change of identities that ended with err. One that was
// surely not made ends nothing. Another refusal may come after a part of the change was
// made. Where there was no answer, the change may be made yet: the epochs stay pending then
// for as long as that can take.
func (s *Service) endFence(fence *cache.Fence, err error) error {
	switch {
	case unmade(err):
		fence.Cancel()
		return nil
	case unanswered(err):
		fence.LeavePending()
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
