package flows

import (
	"cmp"
	"context"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// foresight is what a backend tells before a call is made.
type foresight int

const (
	unforeseen foresight = iota // it cannot tell
	refusal                     // the call would fail
	unchanging                  // it would change nothing that is there
	changes                     // it would change what is at stake
)

// foresee asks a backend that can tell what a call would change, and notes that. It fails
// for a passing reason, for which the call would fail too.
func (s *Service) foresee(ctx context.Context, at *stake, in any) (foresight, error) {
	backend, ok := s.Next.(cognito.Decider)
	if !ok {
		return unforeseen, nil
	}
	effect, err := backend.Decide(ctx, in)
	switch {
	case err != nil && cognito.Public(err).ErrorCode() == cognito.CodeInternal && ctx.Err() == nil:
		return unforeseen, nil // a fault of telling is none of the call's
	case err != nil && cognito.Passing(err):
		return unforeseen, err
	case err != nil:
		return refusal, nil
	case !effect.Changes():
		return unchanging, nil
	}
	at.effect = effect
	return changes, nil
}

// alter makes a call that may change what is at stake; in is its input. Nothing ends for
// one that is refused, or that changes nothing: the backend tells before, where it can,
// and what a fence suspended is put back otherwise. A call that nobody can have a right to
// is not fenced at all; should the backend take it nevertheless, all that it may have
// changed ends behind it.
func alter[Out any](ctx context.Context, s *Service, at stake, in any, call func(context.Context) (*Out, error)) (*Out, error) {
	ended, err := s.attempt(ctx, &at)
	if err != nil {
		return nil, err
	}
	out, err := foreseen(ctx, s, at, in, call)
	ended(err)
	return out, err
}

func foreseen[Out any](ctx context.Context, s *Service, at stake, in any, call func(context.Context) (*Out, error)) (*Out, error) {
	told, err := s.foresee(ctx, &at, in)
	switch {
	case err != nil:
		return nil, err
	case told == unchanging:
		return call(ctx)
	case told == refusal || told == unforeseen && (at.vain || at.often):
		return unfencedCall(ctx, s, at, told, call) // a refusal says so in its own words
	}
	fence, _, err := s.around(ctx, at)
	if err != nil && told == unforeseen && s.unlinking(ctx, at, err) {
		return call(ctx)
	}
	if err != nil {
		return nil, err
	}
	return within(ctx, s, fence, call)
}

// unfencedCall makes a call around which there is no fence.
func unfencedCall[Out any](ctx context.Context, s *Service, at stake, told foresight, call func(context.Context) (*Out, error)) (*Out, error) {
	out, err := call(ctx)
	if ended := s.endUnfenced(ctx, at, told, err); ended != nil {
		return out, ended
	}
	return out, nil
}

// endUnfenced ends what a call changed around which there was no fence, and that ended with
// err. Without an answer, one that may be made yet leaves the epochs pending, as a fence
// would.
func (s *Service) endUnfenced(ctx context.Context, at stake, told foresight, err error) error {
	switch {
	case told == unchanging, unmade(err), unanswered(err) && !at.often:
		return err
	case unanswered(err):
		if fence, _, fenced := s.around(ctx, at); fenced == nil {
			fence.LeavePending()
		}
		return err
	}
	return cmp.Or(err, s.endConcerned(ctx, at))
}

// endConcerned ends what a call may have changed that was not fenced.
func (s *Service) endConcerned(ctx context.Context, at stake) error {
	scopes, err := s.concerned(ctx, at)
	return cmp.Or(err, s.endAll(ctx, scopes))
}

// linking makes an app's call for what is at stake; links tells whether it may link one of
// its logins, and turn takes a turn for it. One of whose logins nothing is proved, or that
// asks for a new guest, may be refused as often as one that links.
func linking[Out any](
	ctx context.Context, s *Service, links bool, at stake, in any, turn func() error, call func(context.Context) (*Out, error),
) (out *Out, err error) {
	links = links && !s.linked(ctx, at)
	ended := func(error) {}
	if links || len(at.logins) == 0 && (at.tokens > 0 || at.identity == "") {
		if ended, err = s.attempt(ctx, &at); err != nil {
			return nil, err
		}
	}
	defer func() { ended(err) }()
	if err := turn(); err != nil {
		return nil, err
	}
	if links {
		return foreseen(ctx, s, at, in, call)
	}
	return call(ctx)
}

// within makes a change within a fence that has begun. It is attempted once: others wait
// for the fence.
func within[Out any](ctx context.Context, s *Service, fence *cache.Fence, change func(context.Context) (*Out, error)) (*Out, error) {
	out, err := change(cognito.WithoutRetries(ctx))
	if ended := s.endFence(fence, err); ended != nil && err == nil {
		return nil, ended
	}
	return out, err
}
