package flows

import (
	"context"
	"errors"
	"fmt"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// guestTurn waits for a turn to make a guest in a pool. An address of which too many calls
// were refused lately gets none, or each pool that somebody makes up would have turns of its
// own. It fails with TooManyRequestsException.
func (s *Service) guestTurn(ctx context.Context, pool string) error {
	address := askOf(ctx).Address
	if wait := tryTurn(s.Refusals.Addresses, address); wait > 0 {
		return tooManyRefused(wait)
	}
	giveBack(s.Refusals.Addresses, address) // whether this one is refused counts when it is made
	if s.Guests == nil {
		return nil
	}
	if err := s.Guests.Wait(ctx, address, pool); err != nil {
		return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), fmt.Errorf("a guest has no turn in time: %w", errors.Join(err, cache.ErrLimited)))
	}
	return nil
}
