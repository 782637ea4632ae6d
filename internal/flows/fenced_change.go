package flows

import (
	"cmp"
	"context"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// prediction is what a backend that can tell says of a call before it is made.
type prediction int

const (
	unpredicted       prediction = iota // it cannot tell
	willBeRefused                       // the call would fail
	willChangeNothing                   // it would change nothing that is there
	willChange                          // it would change something
)

// predict asks a backend that can tell what a call would change, and notes that. It fails
// for a passing reason, for which the call would fail too.
func (s *Service) predict(ctx context.Context, affected *fenceScopes, in any) (prediction, error) {
	backend, ok := s.Next.(cognito.Decider)
	if !ok {
		return unpredicted, nil
	}
	effect, err := backend.Decide(ctx, in)
	switch {
	case err != nil && cognito.Public(err).ErrorCode() == cognito.CodeInternal && ctx.Err() == nil:
		return unpredicted, nil // the prediction failed, not the call
	case err != nil && cognito.Passing(err):
		return unpredicted, err
	case err != nil:
		return willBeRefused, nil
	case !effect.Changes():
		return willChangeNothing, nil
	}
	affected.effect = effect
	return willChange, nil
}

// attemptChange makes a call that may change what is affected; in is its input. Nothing ends for
// one that is refused, or that changes nothing: the backend tells before, where it can,
// and what a fence suspended is put back otherwise. A call that nobody can have a right to
// is not fenced at all; should the backend take it nevertheless, all that it may have
// changed ends behind it.
func attemptChange[Out any](
	ctx context.Context, s *Service, affected fenceScopes, in any, call func(context.Context) (*Out, error),
) (*Out, error) {
	ended, err := s.attempt(ctx, &affected)
	if err != nil {
		return nil, err
	}
	out, err := fencedChange(ctx, s, affected, in, call)
	ended(err)
	return out, err
}

func fencedChange[Out any](
	ctx context.Context, s *Service, affected fenceScopes, in any, call func(context.Context) (*Out, error),
) (*Out, error) {
	predicted, err := s.predict(ctx, &affected, in)
	switch {
	case err != nil:
		return nil, err
	case predicted == willChangeNothing:
		return call(ctx)
	case predicted == willBeRefused || predicted == unpredicted && (affected.futile || affected.overLimit):
		return unfencedCall(ctx, s, affected, predicted, call) // a refusal says so in its own words
	}
	fence, _, err := s.fenceAround(ctx, affected)
	if err != nil && predicted == unpredicted && s.mayGoUnfenced(ctx, affected, err) {
		return call(ctx)
	}
	if err != nil {
		return nil, err
	}
	return changeWithin(ctx, s, fence, call)
}

// unfencedCall makes a call around which there is no fence.
func unfencedCall[Out any](
	ctx context.Context, s *Service, affected fenceScopes, predicted prediction, call func(context.Context) (*Out, error),
) (*Out, error) {
	out, err := call(ctx)
	if ended := s.endUnfenced(ctx, affected, predicted, err); ended != nil {
		return out, ended
	}
	return out, nil
}

// endUnfenced ends what a call changed around which there was no fence, and that ended with
// err. Without an answer, one that may be made yet leaves the epochs pending, as a fence
// would.
func (s *Service) endUnfenced(ctx context.Context, affected fenceScopes, predicted prediction, err error) error {
	switch {
	case predicted == willChangeNothing, surelyNotMade(err), outcomeUnknown(err) && !affected.overLimit:
		return err
	case outcomeUnknown(err):
		if fence, _, fenced := s.fenceAround(ctx, affected); fenced == nil {
			fence.LeavePending()
		}
		return err
	}
	return cmp.Or(err, s.endScopesOf(ctx, affected))
}

// endScopesOf ends what a call may have changed that was not fenced.
func (s *Service) endScopesOf(ctx context.Context, affected fenceScopes) error {
	scopes, err := s.scopesToFence(ctx, affected)
	return cmp.Or(err, s.endScopes(ctx, scopes))
}

// callThatMayLink makes an app's call for what is affected; links tells whether it may link one of
// its logins, and permit takes a permit for it. One of whose logins nothing is proved, or that
// asks for a new guest, may be refused as often as one that links.
func callThatMayLink[Out any](
	ctx context.Context, s *Service, links bool, affected fenceScopes, in any, turn func() error,
	call func(context.Context) (*Out, error),
) (out *Out, err error) {
	links = links && !s.linksNothing(ctx, affected)
	ended := func(error) {}
	if links || len(affected.logins) == 0 && (affected.tokens > 0 || affected.identity == "") {
		if ended, err = s.attempt(ctx, &affected); err != nil {
			return nil, err
		}
	}
	defer func() { ended(err) }()
	if err := turn(); err != nil {
		return nil, err
	}
	if links {
		return fencedChange(ctx, s, affected, in, call)
	}
	return call(ctx)
}

// changeWithin makes a change within a fence that has begun. It is attempted once: others wait
// for the fence.
func changeWithin[Out any](
	ctx context.Context, s *Service, fence *cache.Fence, change func(context.Context) (*Out, error),
) (*Out, error) {
	out, err := change(cognito.WithoutRetries(ctx))
	if ended := s.endFence(fence, err); ended != nil && err == nil {
		return nil, ended
	}
	return out, err
}
