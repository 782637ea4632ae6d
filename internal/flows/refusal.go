package flows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
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
// for an identity whose logins nobody here could prove. It fails with
// TooManyRequestsException where too many of the client's address were refused lately;
// otherwise the call's error must be handed to ended. A caller of the configuration has no
// limit by address, for he speaks for many.
//
// The limit by identity holds nobody up, or whoever knows an id could keep its owner out:
// beyond it a call is made without a fence (see change). It counts what did not come
// about for any reason, whoever asked for it: anybody may have any number of logins, and one
// that belonged to the identity once is no better than others.
func (f *fencer) attempt(ctx context.Context, affected *fenceScopes) (ended func(error), err error) {
	byAddress, byIdentity := callInfoOf(ctx).Address, affected.identity
	if affected.trusted {
		byAddress = ""
	}
	if wait := takeRefusal(f.Refusals.Addresses, byAddress); wait > 0 {
		return nil, tooManyRefused(wait)
	}
	if affected.futile {
		byIdentity = "" // it is not fenced in any case
	}
	if takeRefusal(f.Refusals.Identities, byIdentity) > 0 {
		affected.overLimit, byIdentity = true, ""
	}
	proved := len(affected.logins)+len(affected.callerLogins) > 0
	return func(err error) {
		// A call of unknown outcome counts as a refused one, but of whoever has a right to it: what it may
		// have changed ends later.
		counts := func() bool {
			return !wasMade(err) && !surelyNotMade(err) && !f.isEntitled(context.WithoutCancel(ctx), *affected)
		}
		if err == nil || proved && cognito.Passing(err) && !counts() {
			returnRefusal(f.Refusals.Addresses, byAddress)
		}
		if err == nil {
			returnRefusal(f.Refusals.Identities, byIdentity)
		}
	}, nil
}

// takeRefusal takes a permit of a name, if there are limits and it is one.
func takeRefusal(a *cache.Allowance, name string) (wait time.Duration) {
	if a == nil || name == "" {
		return 0
	}
	return a.Take(name)
}

func returnRefusal(a *cache.Allowance, name string) {
	if a != nil && name != "" {
		a.Return(name)
	}
}

// errRefused says why a call is not made.
var errRefused = errors.New("too many changes were refused")

func tooManyRefused(wait time.Duration) error {
	cause := fmt.Errorf("%w: %w", errRefused, &cache.Limited{Wait: wait})
	return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), cause)
}

// surelyNotMade reports whether a change of identities that failed with err was surely not made.
func surelyNotMade(err error) bool { return cognito.Unmade(err) && refusesLogins(err) }

// refusesLogins reports whether the last request of a call was refused before it linked anything.
func refusesLogins(err error) bool {
	if _, late := errors.AsType[*partialError](err); late {
		return false
	}
	if !cognito.RefusedAtOnce(err) {
		return cognito.Unmade(err) // it was not sent
	}
	refused, ok := errors.AsType[*types.NotAuthorizedException](err)
	if !ok {
		return true
	}
	// What begins so is said of a call whose logins the service does not take, before it links any of
	// them. Other refusals of the same type may follow a link: those of roles.
	return slices.ContainsFunc([]string{
		"Invalid login token", "Token is not from", "Logins don't match", "Access to Identity", "Unauthenticated access",
		"Logins of ",
	}, func(text string) bool { return strings.HasPrefix(refused.ErrorMessage(), text) })
}

// refusesRole reports whether a call was refused for its role, which is chosen when its logins have been
// taken, and linked.
func refusesRole(err error) bool {
	if _, ok := errors.AsType[*types.InvalidIdentityPoolConfigurationException](err); ok {
		return true
	}
	if _, ok := errors.AsType[*sts.Fault](err); ok {
		return true
	}
	refused, ok := errors.AsType[*types.NotAuthorizedException](err)
	return ok && (strings.HasPrefix(refused.ErrorMessage(), "Access to Role") ||
		strings.HasPrefix(refused.ErrorMessage(), "The ambiguous role mapping rules"))
}

// partialError is the error of a call of several steps of which one that may have changed
// something was made.
type partialError struct{ error }

func (p *partialError) Unwrap() error { return p.error }

// afterFirstStep marks the error of a later step.
func afterFirstStep(err error) error {
	if err == nil {
		return nil
	}
	return &partialError{err}
}
