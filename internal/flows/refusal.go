package flows

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Refusals bounds the changes of identities that the backend refuses. Each limit may be nil:
// none.
type Refusals struct {
	Addresses  *cache.Allowance // by the client's address
	Identities *cache.Allowance // by the identity that is named
}

// Close ends the limits; there must be no calls any more.
func (r Refusals) Close() {
	for _, a := range []*cache.Allowance{r.Addresses, r.Identities} {
		if a != nil {
			a.Close()
		}
	}
}

// attempt begins a call that the backend may refuse: one that may change something, and one
// whose logins nobody here could prove. It fails with
// TooManyRequestsException where too many of the client's address, or of the identity that
// is named, were refused lately; otherwise the call's error must be handed to ended. A
// caller of the configuration has no limit by address, for he speaks for many; and nobody
// who is known to own the identity is held up by what others tried.
func (s *Service) attempt(ctx context.Context, at stake) (ended func(error), err error) {
	var taken []func()
	ended = func(err error) {
		if err != nil && !cognito.Passing(err) {
			return
		}
		for _, back := range taken {
			back()
		}
	}
	take := func(a *cache.Allowance, name string) error {
		if a == nil || name == "" {
			return nil
		}
		if wait := a.Take(name); wait > 0 {
			return tooManyRefused(wait)
		}
		taken = append(taken, func() { a.Return(name) })
		return nil
	}
	if !at.vouched {
		if err := take(s.Refusals.Addresses, askOf(ctx).Address); err != nil {
			return nil, err
		}
	}
	if at.identity != "" && !at.owned && !s.owns(ctx, at) {
		if err := take(s.Refusals.Identities, strings.Clone(at.identity)); err != nil {
			ended(nil)
			return nil, err
		}
	}
	return ended, nil
}

// errRefused says why a call is not made.
var errRefused = errors.New("too many changes were refused")

func tooManyRefused(wait time.Duration) error {
	cause := fmt.Errorf("%w: another attempt in %v: %w", errRefused, wait.Round(time.Millisecond), cache.ErrLimited)
	return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), cause)
}

// loginRefusals begin what the service says of a call whose logins it does not take: before
// it links any of them. Other refusals of the same type may follow a link: those of roles.
var loginRefusals = []string{
	"Invalid login token", "Token is not from", "Logins don't match", "Access to Identity", "Unauthenticated access",
}

// unmade reports whether a change of identities that failed with err was surely not made.
func unmade(err error) bool {
	if _, late := errors.AsType[*partial](err); late {
		return false
	}
	if _, external := errors.AsType[*types.ExternalServiceException](err); external {
		return !cognito.IsUnsettled(err) // a login provider could not be asked: nothing was linked
	}
	if !cognito.Unmade(err) {
		return false
	}
	refused, ok := errors.AsType[*types.NotAuthorizedException](err)
	if !ok {
		return true
	}
	for _, text := range loginRefusals {
		if strings.HasPrefix(refused.ErrorMessage(), text) {
			return true
		}
	}
	return false
}

// partial is the error of a call of several steps of which one that may have changed
// something was made.
type partial struct{ error }

func (p *partial) Unwrap() error { return p.error }

// after marks the error of a later step.
func after(err error) error {
	if err == nil {
		return nil
	}
	return &partial{err}
}
