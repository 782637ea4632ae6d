package flows

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/cognito-broker/broker/internal/cache"
)

// changeAsStranger makes a call of somebody who has not shown a right to the identity that he names:
// a guest who logs in for the first time, or a stranger. A fence around it is brief and seldom: after
// that what it suspended is served again. What a call outdated that succeeds ends before its client
// is told. Where nobody knows what the call did, or the backend refuses it in words that do not say
// that it did nothing, what it may have outdated ends when it cannot be made any more; until then
// what was cached is served, for nobody was told of a change. The fleet knows of that end before the
// call is made, so that another broker makes it should this one die meanwhile.
//
// It fails as change does, and makes no call that the fleet does not know of.
func (f *fencer) changeAsStranger(ctx context.Context, affected fenceScopes, call fencedCall) (cache.Stamp, error) {
	brief, scopes, err := f.beginBriefly(ctx, affected)
	if err != nil {
		return f.changeWithoutFleet(ctx, affected, unpredicted, call, err)
	}
	var fenced []cache.Scope
	if brief != nil {
		fenced = scopes
	}
	end, err := f.expectEnd(ctx, affected, scopes)
	if err != nil {
		brief.holds()
		brief.cancel()
		return f.changeWithoutFleet(ctx, affected, unpredicted, call, err)
	}
	err = f.makeOnce(ctx, call, fenced)
	holds := brief.holds()
	switch {
	case wasMade(err) && holds:
		stamp, ended := f.endFence(brief.Fence, err)
		end.forget(ctx)
		return stamp, cmp.Or(err, ended)
	case wasMade(err):
		err = f.endAffected(ctx, affected, scopes, err)
		end.forget(ctx)
	case surelyNotMade(err):
		brief.cancel()
		end.forget(ctx)
	default:
		brief.cancel()
		if f.leavePending(ctx, affected, scopes, err) {
			end.forget(ctx)
		} else {
			end.make(ctx)
		}
	}
	return cache.Stamp{}, err
}

// leavePending leaves the epochs pending after a call without an answer, as a fence around it would
// have, where somebody with a right to the identity made it beyond the limit of refusals; before are the
// scopes of before the call. It reports whether it did.
func (f *fencer) leavePending(ctx context.Context, affected fenceScopes, before []cache.Scope, err error) bool {
	if !affected.overLimit || !outcomeUnknown(err) || !f.isEntitled(context.WithoutCancel(ctx), affected) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout) // its client may have left
	defer cancel()
	affected.alsoNamed = append(slices.Clone(affected.alsoNamed), before...)
	fence, _, failed := f.fenceAround(ctx, affected)
	if failed != nil {
		return false
	}
	f.leaveOpen(fence)
	return true
}

// beginBriefly begins a brief fence around what is affected, unless one began lately for the identity,
// or its limit of refusals is reached: then there is none. It tells the scopes in either case. It
// fails with cognito.ErrUnavailable.
func (f *fencer) beginBriefly(ctx context.Context, affected fenceScopes) (*briefFence, []cache.Scope, error) {
	if affected.overLimit || !f.briefFences.begin(affected.identity, f.Now()) {
		scopes, err := f.scopesToFence(ctx, affected)
		return nil, scopes, err
	}
	fence, scopes, err := f.fenceAround(ctx, affected)
	if err != nil {
		f.briefFences.failed(affected.identity)
		return nil, nil, err
	}
	return newBriefFence(fence), scopes, nil
}

// expectedEnd is the end of scopes that a call may outdate, while nobody knows whether it will be
// needed.
type expectedEnd struct {
	f        *fencer
	call     string // names it
	identity string // that the call names
	scopes   []cache.Scope
}

// expectEnd tells the fleet of the end of scopes that a call may outdate, before it is made. Nothing
// ends for an identity that nobody has met: it may be made up, and nothing is cached for it. It fails
// with cognito.ErrUnavailable.
func (f *fencer) expectEnd(ctx context.Context, affected fenceScopes, scopes []cache.Scope) (*expectedEnd, error) {
	e := &expectedEnd{f: f, call: strconv.FormatUint(f.calls.Add(1), 36), identity: affected.identity, scopes: scopes}
	if _, _, known, err := f.Directory.Identity(ctx, affected.identity); err == nil && !known {
		e.scopes = without(scopes, []cache.Scope{cache.IdentityScope(affected.identity)})
	}
	if len(e.scopes) == 0 {
		return e, nil
	}
	err := f.inFleet(ctx, func(ctx context.Context) error {
		ends := make([]cache.DeferredEnd, len(e.scopes))
		for i, scope := range e.scopes {
			ends[i] = cache.DeferredEnd{Scope: scope, Identity: e.identity}
		}
		return f.Shared.PutDeferredEnds(ctx, e.call, ends, f.madeWithin())
	})
	return e, serviceError(err)
}

// forget says that the end is not needed, or was made.
func (e *expectedEnd) forget(ctx context.Context) {
	if len(e.scopes) == 0 {
		return
	}
	_ = e.f.inFleet(ctx, func(ctx context.Context) error {
		return e.f.Shared.DropDeferredEnds(ctx, e.call, e.scopes) // else they end once more, later
	})
}

// make has the scopes end when the call cannot be made any more.
func (e *expectedEnd) make(ctx context.Context) {
	if len(e.scopes) == 0 {
		return
	}
	f := e.f
	rest := f.deferred.add(e.identity, slices.Clone(e.scopes), f.Now().Add(f.madeWithin()))
	if len(rest) > 0 {
		_ = f.Fence(context.WithoutCancel(ctx), rest...) // what fails goes on in the background
	}
	if f.noteDeferred(e.scopes, f.madeWithin()) == nil {
		e.forget(ctx) // the call's own note; else that is what others know
	}
	f.lookAfterDeferred()
}
