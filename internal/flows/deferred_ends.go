package flows

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

const (
	// maxDeferredEnds bounds the scopes that are to end later. What finds no room ends at once.
	maxDeferredEnds = 100_000
	// deferredEndsAtOnce is how many end in one fence.
	deferredEndsAtOnce = 60
	// longestDeferral is the longest pause between two questions whether the backend answers.
	longestDeferral = 8 * time.Second
)

// deferredEnds are scopes of calls of which nobody knows what they did, made by somebody who has not
// shown a right to the identity that he named. They end once the call cannot be made any more and
// the backend answers, so that what ends can be brought anew: each at most once in as long as a
// call may take, however many such calls there are. It is kept in this process: one that dies ends
// none of them. It is safe for concurrent use; the zero value is ready.
type deferredEnds struct {
	mu      sync.Mutex
	ends    map[cache.Scope]deferredEnd
	running bool
}

// deferredEnd is the end of one scope.
type deferredEnd struct {
	due      time.Time
	again    time.Time // the end of calls that were made since it became due; not after due: none
	identity string    // that was named
}

// endLater ends what is affected by a call of unknown outcome, and the scopes of the fence that was
// around it, if any, when the call cannot be made any more.
func (f *fencer) endLater(ctx context.Context, affected fenceScopes, fenced []cache.Scope) {
	scopes, err := f.scopesToFence(context.WithoutCancel(ctx), affected)
	if err != nil { // of what the fleet knows nothing can be asked: the identity alone is named
		scopes = []cache.Scope{cache.IdentityScope(affected.identity)}
	}
	scopes = append(scopes, fenced...)
	rest := f.deferred.add(affected.identity, scopes, f.Now().Add(f.madeWithin()))
	if len(rest) > 0 {
		_ = f.Fence(context.WithoutCancel(ctx), rest...) // what fails goes on in the background
	}
	if f.deferred.begin() && !f.start(f.endDeferred) {
		_ = f.tryEnd(context.WithoutCancel(ctx), scopes...) // this broker is being stopped
	}
}

// add notes scopes that end at a time, and returns those for which there is no room.
func (d *deferredEnds) add(identity string, scopes []cache.Scope, at time.Time) (rest []cache.Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ends == nil {
		d.ends = map[cache.Scope]deferredEnd{}
	}
	for _, scope := range scopes {
		end, known := d.ends[scope]
		switch {
		case known:
			end.again = at
		case len(d.ends) >= maxDeferredEnds:
			rest = append(rest, scope)
			continue
		default:
			end = deferredEnd{due: at, again: at, identity: identity}
		}
		d.ends[scope] = end
	}
	return rest
}

// begin reports whether nobody looks after the ends yet, and the caller has to.
func (d *deferredEnds) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	begins := !d.running && len(d.ends) > 0
	d.running = d.running || begins
	return begins
}

// next are scopes that are due, with one of the identities that were named, or how long none will
// be. more is false where there are none at all; nobody looks after them then.
func (d *deferredEnds) next(now time.Time) (due []cache.Scope, identity string, wait time.Duration, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = len(d.ends) > 0
	for scope, end := range d.ends {
		left := end.due.Sub(now)
		switch {
		case left <= 0:
			if due, identity = append(due, scope), end.identity; len(due) == deferredEndsAtOnce {
				return due, identity, 0, true
			}
		case wait == 0 || left < wait:
			wait = left
		}
	}
	return due, identity, wait, d.running
}

// ended removes scopes that ended, unless calls were made since that they have to end for again.
func (d *deferredEnds) ended(scopes []cache.Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, scope := range scopes {
		end := d.ends[scope]
		if end.again.After(end.due) {
			end.due = end.again
			d.ends[scope] = end
			continue
		}
		delete(d.ends, scope)
	}
}

// all are all the scopes.
func (d *deferredEnds) all() []cache.Scope {
	d.mu.Lock()
	defer d.mu.Unlock()
	scopes := make([]cache.Scope, 0, len(d.ends))
	for scope := range d.ends {
		scopes = append(scopes, scope)
	}
	return scopes
}

// endDeferred ends what is due, until there is none. What is left when Close is called ends then in
// a fleet, whose other brokers live on.
func (f *fencer) endDeferred() {
	pause := firstPause
	for {
		due, identity, wait, more := f.deferred.next(f.Now())
		switch {
		case !more:
			return
		case len(due) == 0:
			pause = firstPause
		case f.backendAnswers(identity) && f.deliverOnce(due):
			f.deferred.ended(due)
			pause = firstPause
			continue
		default:
			wait, pause = pause, min(2*pause, longestDeferral)
		}
		if !f.pause(wait) {
			f.endAtStop()
			return
		}
	}
}

// endAtStop ends what is left of a fleet's.
func (f *fencer) endAtStop() {
	if f.Shared == nil {
		return
	}
	for some := range slices.Chunk(f.deferred.all(), deferredEndsAtOnce) {
		f.deliverOnce(some)
	}
}

// backendAnswers reports whether the backend answers, with whatever, what an identity gets without
// logins: nothing but its guest does.
func (f *fencer) backendAnswers(identity string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), f.Timeout)
	defer cancel()
	_, err := f.Next.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(identity)})
	return err == nil || !cognito.Passing(err)
}
