package flows

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

const (
	// deferredEndLate is how long after it was due an end is another broker's to make.
	deferredEndLate = 30 * time.Second
	// lookForLateEnds is how often a broker looks for those.
	lookForLateEnds = 5 * time.Second
	// endsAtOnce is how many identities' ends are made at once.
	endsAtOnce = 16
	// answersInARow is how many answers in a row, one each second, say that the backend answers.
	answersInARow = 3
	// answerWithin is how long it has for one of them.
	answerWithin = 3 * time.Second
)

// endLater ends what is affected by a call of unknown outcome, and the scopes of the fence that was
// around it, if any, when the call cannot be made any more.
func (f *fencer) endLater(ctx context.Context, affected fenceScopes, fenced []cache.Scope) {
	named := affected.identity
	if _, _, known, err := f.Directory.Identity(ctx, named); err == nil && !known {
		affected.identity = "" // nothing is cached for it: it may be made up
	}
	scopes, err := f.scopesToFence(context.WithoutCancel(ctx), affected)
	if err != nil { // the fleet cannot be asked for owners
		scopes = f.namedScopes(affected)
	}
	if affected.identity != "" {
		scopes = append(scopes, fenced...)
	}
	if len(scopes) == 0 {
		return
	}
	rest := f.deferred.add(named, scopes, f.Now().Add(f.madeWithin()))
	if len(rest) > 0 {
		_ = f.Fence(context.WithoutCancel(ctx), rest...) // what fails goes on in the background
	}
	f.noteDeferred(scopes, f.madeWithin())
	f.lookAfterDeferred()
}

// lookAfterDeferred has somebody look after the ends.
func (f *fencer) lookAfterDeferred() {
	if f.deferred.begin() {
		f.start(f.endDeferred)
	}
}

// noteDeferred notes for the fleet that scopes are to end in so long. Where it cannot be reached,
// they end all the same, unless this broker dies.
func (f *fencer) noteDeferred(scopes []cache.Scope, in time.Duration) {
	if f.Shared == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	_ = f.Shared.PutDeferredEnds(ctx, f.deferred.named(scopes), in)
}

// dropDeferred tells the fleet that scopes ended.
func (f *fencer) dropDeferred(scopes []cache.Scope) {
	if f.Shared == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	_ = f.Shared.DropDeferredEnds(ctx, scopes) // else they end once more
}

// takeOverDeferred looks for ends of brokers that died, until ctx ends, and makes them.
func (f *fencer) takeOverDeferred(ctx context.Context) {
	every(ctx, lookForLateEnds, func(ctx context.Context) { f.takeOverDeferredOnce(ctx, deferredEndLate) })
}

func (f *fencer) takeOverDeferredOnce(ctx context.Context, late time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	ends, err := f.Shared.TakeOverDeferredEnds(ctx, late)
	if err != nil {
		return
	}
	for _, end := range ends {
		f.deferred.add(end.Identity, []cache.Scope{end.Scope}, f.Now())
	}
	f.lookAfterDeferred()
}

// endDeferred ends what is due, until there is none, or Close is called: what is left in a fleet then,
// its other brokers end.
func (f *fencer) endDeferred() {
	places := make(chan struct{}, endsAtOnce)
	for {
		now := f.Now()
		due, identity, wait, more := f.deferred.take(now)
		switch {
		case !more:
			return
		case len(due) == 0:
			if !f.pauseUntil(wait, f.deferred.woken) {
				return
			}
			continue
		}
		select {
		case places <- struct{}{}:
		case <-f.stop:
			return
		}
		f.start(func() {
			defer func() { <-places }()
			f.endDue(due, identity, now)
		})
	}
}

// endDue ends scopes for an identity, if the backend answers for it.
func (f *fencer) endDue(due []cache.Scope, identity string, taken time.Time) {
	if !f.backendAnswers(identity) || !f.deliverOnce(due) {
		f.noteDeferred(due, deferredEndAgain) // lest another broker take them over
		return
	}
	f.deferred.ended(due, taken)
	f.dropDeferred(due)
}

// backendAnswers reports whether the backend answers, time and again, with whatever, what an identity
// gets without logins: nothing but its guest does.
func (f *fencer) backendAnswers(identity string) bool {
	for n := range answersInARow {
		if n > 0 && !f.pause(time.Second) || !f.answers(identity) {
			return false
		}
	}
	return true
}

func (f *fencer) answers(identity string) bool {
	ctx, cancel := context.WithTimeout(cognito.WithoutRetries(context.Background()), answerWithin)
	defer cancel()
	_, err := f.Next.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(identity)})
	return err == nil || !cognito.Passing(err)
}
