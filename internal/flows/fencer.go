package flows

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// fences is what serving needs of fencing.
type fences interface {
	Fence(ctx context.Context, scopes ...cache.Scope) error
	tryEnd(ctx context.Context, scopes ...cache.Scope) error
	attempt(ctx context.Context, affected *fenceScopes) (ended func(error), err error)
	linksNothing(ctx context.Context, affected fenceScopes) bool
	predict(ctx context.Context, affected *fenceScopes, in any) (prediction, error)
	change(
		ctx context.Context, affected fenceScopes, predicted prediction, call fencedCall,
	) (cache.Stamp, error)
	expectChange(ctx context.Context, scopes ...cache.Scope) error
	confirm(ctx context.Context, pool string, scope cache.Scope) error
}

// fencing is all of it: fences around changes of identities, and around changes of pools.
type fencing struct {
	*fencer
	*poolChanges
}

// fencer puts fences around changes of identities. It is safe for concurrent use.
type fencer struct {
	*Config
	*background
	owners   *loginOwners
	outbox   pendingFences
	deferred deferredEnds
	// briefFences are around calls of those who have shown no right; calls counts those.
	briefFences briefFences
	calls       atomic.Uint64
	open        openFences
	regions     regions
}

// beginFence begins a fence.
func (f *fencer) beginFence(ctx context.Context, scopes []cache.Scope) (*cache.Fence, error) {
	fence, err := f.Epochs.Fence(ctx, scopes...)
	return fence, serviceError(err)
}

// endFence ends a fence around a change of identities that ended with err. One that was
// surely not made ends nothing. Another refusal may come after a part of the change was
// made. Where there was no answer, or a refusal of a second attempt after none, the change may be
// made yet: the epochs stay pending then for as long as that can take.
func (f *fencer) endFence(fence *cache.Fence, err error) (cache.Stamp, error) {
	switch {
	case surelyNotMade(err):
		fence.Cancel()
		return cache.Stamp{}, nil
	case outcomeUnknown(err) || cognito.RefusedAtOnce(err) && !cognito.Unmade(err):
		f.leaveOpen(fence)
		return cache.Stamp{}, nil
	}
	stamp, err := fence.Done()
	return stamp, serviceError(err)
}

// outcomeUnknown reports whether a change that failed with err may still be made: the
// backend did not say that it refused it. Of a call of several steps the first is the change, and
// was made where a later one failed.
func outcomeUnknown(err error) bool {
	if _, late := errors.AsType[*partialError](err); late || err == nil || !cognito.Passing(err) {
		return false
	}
	return cognito.Public(err).ErrorCode() == cognito.CodeInternal
}

// expectChange leaves scopes pending that a call may change yet, if there are any. It fails with
// cognito.ErrUnavailable, and ends them as soon as the fleet can be reached.
func (f *fencer) expectChange(ctx context.Context, scopes ...cache.Scope) error {
	if len(scopes) == 0 {
		return nil
	}
	fence, err := f.beginFence(ctx, scopes)
	if err != nil {
		f.deliverLater(scopes)
		return err
	}
	f.leaveOpen(fence)
	return nil
}

// madeWithin is how long after its call a change may be made: as long as a request may
// be under way.
func (c *Config) madeWithin() time.Duration { return c.Timeout + 10*time.Second }

// serviceError makes an error of the service of what the fleet did not do.
func serviceError(err error) error {
	if errors.Is(err, cache.ErrFleet) {
		return cognito.Unavailable(err)
	}
	return err
}

// Fence ends, now, everything cached for the scopes, if there are any. Use it for a change that has
// already happened. Where the fleet cannot be reached, it fails with
// cognito.ErrUnavailable, and goes on trying in the background.
func (f *fencer) Fence(ctx context.Context, scopes ...cache.Scope) error {
	if len(scopes) == 0 {
		return nil
	}
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	err := f.tryEnd(ctx, scopes...)
	if err != nil {
		f.deliverLater(scopes)
	}
	return serviceError(err)
}

// tryEnd is Fence that leaves it at one try: for what is ended by way of precaution, or tried again.
func (f *fencer) tryEnd(ctx context.Context, scopes ...cache.Scope) error {
	fence, err := f.Epochs.Fence(ctx, scopes...)
	if err == nil {
		_, err = fence.Done()
	}
	return err
}
