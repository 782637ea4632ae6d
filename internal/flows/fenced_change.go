package flows

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

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

// predict asks a backend that can tell what a call would change; in is its input. What is affected
// then has that too. It fails for a passing reason, for which the call would fail too.
func (f *fencer) predict(ctx context.Context, affected *fenceScopes, in any) (prediction, error) {
	backend, ok := f.Next.(cognito.Decider)
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

// fencedCall is a call of a change. It gets the scopes of the fence that is around it; none: there
// is no fence.
type fencedCall func(ctx context.Context, fenced []cache.Scope) error

// change makes a call that may change what is affected, within a fence, and returns the stamp of
// the epochs that began after it. Nothing ends for a call that is refused, or that changes nothing:
// the prediction says so before, and otherwise what the fence suspended is put back. A call that
// nobody can have a right to is not fenced at all; should the backend take it nevertheless, all
// that it may have changed ends behind it. Nobody who has not shown a right to the identity that he
// names holds up its owner, nor does whoever is beyond the limit of refusals: see changeAsStranger.
//
// What a call may outdate is always asked before it, for afterwards another owner may have taken a
// former one's place.
//
// It fails with the call's error, or with cognito.ErrUnavailable where the fence could not begin or
// end.
func (f *fencer) change(
	ctx context.Context, affected fenceScopes, predicted prediction, call fencedCall,
) (cache.Stamp, error) {
	switch {
	case predicted == willChangeNothing && !affected.strict:
		return cache.Stamp{}, f.changeNothing(ctx, affected, call)
	case predicted == willBeRefused:
		err := f.makeOnce(ctx, call, nil) // a refusal says so in its own words
		return cache.Stamp{}, f.endTaken(ctx, affected, nil, err)
	case predicted == unpredicted && affected.futile:
		before, _ := f.scopesToFence(ctx, affected) // as far as they are known
		err := f.makeOnce(ctx, call, nil)
		return cache.Stamp{}, f.endTaken(ctx, affected, before, err)
	case predicted == unpredicted && !affected.strict && (affected.overLimit || !f.isEntitled(ctx, affected)):
		return f.changeAsStranger(ctx, affected, call)
	}
	fence, scopes, err := f.fenceAround(ctx, affected)
	if err != nil {
		return f.changeWithoutFleet(ctx, affected, predicted, call, err)
	}
	err = f.makeOnce(ctx, call, scopes)
	stamp, ended := f.endFence(fence, err)
	return stamp, cmp.Or(err, ended)
}

// changeNothing makes a call that was predicted to change nothing. Another call may have overtaken the
// prediction: where the backend tells that it changed something, that ends before it is answered.
func (f *fencer) changeNothing(ctx context.Context, affected fenceScopes, call fencedCall) error {
	if affected.changed == nil {
		return call(ctx, nil)
	}
	before, _ := f.scopesToFence(ctx, affected) // as far as they are known
	err := call(ctx, nil)
	if err != nil || !affected.changed() {
		return err
	}
	return f.endAffected(ctx, affected, before, nil)
}

// changeWithoutFleet makes a call around which err kept a fence from beginning, if it changes
// nothing.
func (f *fencer) changeWithoutFleet(
	ctx context.Context, affected fenceScopes, predicted prediction, call fencedCall, err error,
) (cache.Stamp, error) {
	if affected.strict || predicted != unpredicted || !f.mayGoUnfenced(ctx, affected, err) {
		return cache.Stamp{}, err
	}
	return cache.Stamp{}, call(ctx, nil)
}

// callTime is how long a call of a change has at least.
const callTime = 5 * time.Second

// makeOnce makes a call once: within a fence others wait for its end, and without one a refusal
// after an attempt that told nothing does not say what that changed. The call has callTime at least,
// whatever its client has left: nobody knows the outcome of one that the broker itself breaks off,
// and a client who waited long for his place would make such calls at will.
func (f *fencer) makeOnce(ctx context.Context, call fencedCall, scopes []cache.Scope) error {
	within := f.Timeout
	if end, limited := ctx.Deadline(); limited {
		within = min(within, max(time.Until(end), callTime))
	}
	ctx, cancel := context.WithTimeout(cognito.WithoutRetries(context.WithoutCancel(ctx)), within)
	defer cancel()
	return call(ctx, scopes)
}

// endTaken ends what a call changed that nobody can have a right to, if the backend shows that it
// took it nevertheless: by success alone. Whatever else it says does not show that, or anybody who
// knows an identity could end what is cached for it.
func (f *fencer) endTaken(ctx context.Context, affected fenceScopes, before []cache.Scope, err error) error {
	if !wasMade(err) {
		return err
	}
	return f.endAffected(ctx, affected, before, err)
}

// wasMade reports whether a call that ended with err surely went as far as its changes: it succeeded,
// or its first step did, or its logins were taken and a role was refused after that.
func wasMade(err error) bool {
	_, late := errors.AsType[*partialError](err)
	return err == nil || late || refusesRole(err)
}

// endAffected ends what is affected by a call that ended with err, and the scopes that were before
// it. What the fleet cannot be told now, it is told later.
func (f *fencer) endAffected(ctx context.Context, affected fenceScopes, before []cache.Scope, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout) // its client may have left
	defer cancel()
	affected.alsoNamed = append(slices.Clone(affected.alsoNamed), before...)
	fence, scopes, failed := f.fenceAround(ctx, affected)
	if failed == nil {
		_, failed = f.endFence(fence, nil)
	} else {
		scopes, _ = f.scopesToFence(ctx, affected) // as far as they are known
	}
	if failed != nil {
		f.deliverLater(scopes)
	}
	return cmp.Or(err, failed)
}

// predictedChange is change with the prediction for a call's input.
func predictedChange(
	ctx context.Context, f fences, affected fenceScopes, in any, call func(context.Context) error,
) error {
	predicted, err := f.predict(ctx, &affected, in)
	if err != nil {
		return err
	}
	_, err = f.change(ctx, affected, predicted, func(ctx context.Context, _ []cache.Scope) error { return call(ctx) })
	return err
}

// attemptChange is predictedChange for a call that counts among those that are refused.
func attemptChange[Out any](
	ctx context.Context, f fences, affected fenceScopes, in any, call call[Out],
) (out *Out, err error) {
	ended, err := f.attempt(ctx, &affected)
	if err != nil {
		return nil, err
	}
	err = predictedChange(ctx, f, affected, in, func(ctx context.Context) (err error) {
		out, err = call(ctx)
		return err
	})
	ended(err)
	return unlessFailed(out, err)
}

// mayLink makes an app's call for what is affected. links tells whether it may link one of its
// logins, and permit takes a permit for it. A call of whose logins nothing is proved, or that asks
// for a new guest, counts among those that are refused, as one that links does.
func mayLink[Out any](
	ctx context.Context, f fences, links bool, affected fenceScopes, in any, permit func() error,
	call call[Out],
) (out *Out, err error) {
	links = links && !f.linksNothing(ctx, affected)
	if links || len(affected.logins) == 0 && (affected.tokens > 0 || affected.identity == "") {
		ended, refused := f.attempt(ctx, &affected)
		if refused != nil {
			return nil, refused
		}
		defer func() { ended(err) }()
	}
	if err := permit(); err != nil {
		return nil, err
	}
	if !links {
		return call(ctx)
	}
	err = predictedChange(ctx, f, affected, in, func(ctx context.Context) (err error) {
		out, err = call(ctx)
		return err
	})
	return unlessFailed(out, err)
}

// mayGoUnfenced reports whether a call may be made although err kept it from being
// fenced: it links nothing. The fleet that could not be asked would have told who
// owns the login; now the backend tells whose the identity is.
func (f *fencer) mayGoUnfenced(ctx context.Context, affected fenceScopes, err error) bool {
	alone := affected.tokens == 1 && len(affected.logins) <= 1 // backends' own users are none of the tokens
	return errors.Is(
		err, cognito.ErrUnavailable,
	) && alone && affected.identity != "" && f.isNoGuest(ctx, affected.identity)
}

// isNoGuest reports whether the backend says that an identity is no guest's, which it
// never becomes again: one login alone is then either its own or refused. Asking as
// a guest changes nothing; where the pool has no guests, that tells nothing either,
// and the identity's description does, if the broker may see it.
func (f *fencer) isNoGuest(ctx context.Context, id string) bool {
	_, err := f.Next.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(id)})
	if err == nil || cognito.Passing(err) {
		return false
	}
	if cognito.Forbidden(err) {
		return true
	}
	out, err := f.Next.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: aws.String(id)})
	return err == nil && len(out.Logins) > 0
}
