package flows

import (
	"context"
	"errors"
	"fmt"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// awaitGuestPermit waits for a permit to make a guest in a pool. An address of which too many calls
// were refused lately gets none, or each pool that somebody makes up would have permits of its
// own. It fails with TooManyRequestsException.
func (s *Service) awaitGuestPermit(ctx context.Context, pool string) error {
	address := callInfoOf(ctx).Address
	if wait := takeRefusal(s.Refusals.Addresses, address); wait > 0 {
		return tooManyRefused(wait)
	}
	returnRefusal(s.Refusals.Addresses, address) // whether this one is refused counts when it is made
	if s.Guests == nil {
		return nil
	}
	if err := s.Guests.Wait(ctx, address, pool); err != nil {
		return cognito.WithCause(
			cognito.TooManyRequests(cognito.MsgRateExceeded),
			fmt.Errorf("a guest has no turn in time: %w", errors.Join(err, cache.ErrLimited)),
		)
	}
	return nil
}
