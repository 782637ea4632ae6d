package flows

import (
	"context"
	"errors"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// fenceScopes are what a call may change, and so what a fence around it covers: the identity that
// it names, if any, and all that its logins are of. Linking moves logins, and merging ends
// identities that the call does not name.
type fenceScopes struct {
	pool, identity string
	logins         []login
	// tokens is with how many logins an app's call comes that links what it proves; a call
	// that does anything else to identities has none.
	tokens int
	// futile says that the backend will refuse the call: all of its logins were refused here, or
	// it has none, or the identity is of another pool than the one that is named.
	futile bool
	// callerLogins are the logins that prove who calls, where they are not affected themselves.
	callerLogins []login
	// overLimit says that the identity's limit of refusals is reached: see attempt.
	overLimit bool
	// trusted says that a caller of the configuration answers for the call.
	trusted bool
	// alsoNamed are scopes that the call names besides.
	alsoNamed []cache.Scope
	// strict says that the call is made within a fence, or will be refused.
	strict bool
	// changed tells, after a call that was answered, whether it changed anything; nil: nobody can tell.
	changed func() bool
	// effect is what the backend predicts, where it can.
	effect cognito.Effect
}

// namedScopes lists the scopes that a call names, or its prediction does.
func (f *fencer) namedScopes(affected fenceScopes) []cache.Scope {
	scopes := slices.Concat(affected.alsoNamed, scopesOfLogins(affected.logins), scopesOf(affected.effect.Identities))
	for _, l := range affected.effect.Logins {
		scopes = append(
			scopes, cache.LoginScope(l.Provider, l.Subject), cache.UserScope(affected.effect.Pool, l.Provider, l.Subject),
		)
	}
	if affected.identity != "" {
		scopes = append(scopes, cache.IdentityScope(affected.identity))
	}
	return scopes
}

// scopesToFence lists the scopes, each once: a fence over a scope twice would disturb itself. Where
// the fleet cannot be asked for owners, it fails with cognito.ErrUnavailable and lists those that are
// known here.
func (f *fencer) scopesToFence(ctx context.Context, affected fenceScopes) ([]cache.Scope, error) {
	owners, err := f.owners.owners(ctx, affected.pool, affected.logins)
	scopes := append(f.namedScopes(affected), scopesOf(owners)...)
	slices.Sort(scopes)
	return slices.Compact(scopes), err
}

// maxFenceRestarts is how many times a fence begins anew because owners became known.
const maxFenceRestarts = 8

var errOwnersChange = errors.New("the logins' owners change too fast")

// fenceAround begins a fence around what is affected, and tells its scopes. Whose the
// logins are is asked before and again under the fence: what was obtained for an owner
// who became known between is ended too, and what is obtained later is not kept (see
// recordOwnerUnder). It fails with cognito.ErrUnavailable.
func (f *fencer) fenceAround(ctx context.Context, affected fenceScopes) (*cache.Fence, []cache.Scope, error) {
	scopes, err := f.scopesToFence(ctx, affected)
	for range maxFenceRestarts {
		if err != nil {
			return nil, nil, err
		}
		fence, err := f.beginFence(ctx, scopes)
		if err != nil {
			return nil, nil, err
		}
		now, err := f.scopesToFence(ctx, affected)
		if err == nil && len(without(now, scopes)) == 0 {
			return fence, scopes, nil
		}
		fence.Cancel()
		if err != nil {
			return nil, nil, err
		}
		scopes = now
	}
	return nil, nil, cognito.Unavailable(errOwnersChange)
}

// linksNothing reports whether a call with logins links nothing: its only login belongs to
// the identity, or did. So the identity is no guest's, and one of users becomes linked
// only by another login beside.
func (f *fencer) linksNothing(ctx context.Context, affected fenceScopes) bool {
	return affected.tokens == 1 && len(affected.logins) == 1 && f.ownsIdentity(ctx, affected)
}

// isEntitled reports whether whoever makes a call has shown a right to what it names: a caller of the
// configuration, or somebody with a login that is known to belong to the identity. Who names none
// brings logins of his own.
func (f *fencer) isEntitled(ctx context.Context, affected fenceScopes) bool {
	return affected.trusted || affected.identity == "" || f.ownsIdentity(ctx, affected)
}

// ownsIdentity reports whether one of the logins that a call brings is known to belong to the identity
// that it names, or to have belonged to it.
func (f *fencer) ownsIdentity(ctx context.Context, affected fenceScopes) bool {
	if affected.identity == "" {
		return false
	}
	logins := slices.Concat(affected.logins, affected.callerLogins)
	for _, l := range logins {
		here, err := f.Directory.Owners(ctx, affected.pool, l.provider, l.subject)
		if err == nil && slices.Contains(here, affected.identity) {
			return true // whether or not the fleet can be asked
		}
	}
	owners, err := f.owners.owners(ctx, affected.pool, logins)
	return err == nil && slices.Contains(owners, affected.identity)
}
