package flows

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
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
	// endOverdue is how long an end waits at most for an answer for its own identity.
	endOverdue = 10 * time.Minute
)

// lookAfterDeferred has somebody look after the ends.
func (f *fencer) lookAfterDeferred() {
	if f.deferred.begin() {
		f.start(f.endDeferred)
	}
}

// noteDeferred notes for the fleet that scopes are to end in so long. Where it cannot be reached, it
// fails, and they end all the same, unless this broker dies.
func (f *fencer) noteDeferred(scopes []cache.Scope, in time.Duration) error {
	return f.inFleet(context.Background(), func(ctx context.Context) error {
		return f.Shared.PutDeferredEnds(ctx, "", f.deferred.named(scopes), in)
	})
}

// dropDeferred tells the fleet that scopes ended.
func (f *fencer) dropDeferred(scopes []cache.Scope) {
	_ = f.inFleet(context.Background(), func(ctx context.Context) error {
		return f.Shared.DropDeferredEnds(ctx, "", scopes) // else they end once more
	})
}

// inFleet takes a step of a fleet; a process that is alone has none to take.
func (f *fencer) inFleet(ctx context.Context, step func(context.Context) error) error {
	if f.Shared == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	return step(ctx)
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
		due, wait, more := f.deferred.take(f.Now())
		switch {
		case !more:
			return
		case len(due.scopes) == 0:
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
			f.endDue(due)
		})
	}
}

// endDue ends scopes for an identity, if the backend answers for it or, when they are overdue, if it
// answers at all: nobody puts an end off for ever by an identity for which it does not, or by many
// ends that come before.
func (f *fencer) endDue(due dueEnds) {
	if !f.mayEnd(due) || !f.deliverOnce(due.scopes) {
		_ = f.noteDeferred(due.scopes, deferredEndAgain) // lest another broker take them over
		return
	}
	f.deferred.ended(due)
	f.dropDeferred(due.scopes)
}

// mayEnd reports whether what ends can be brought anew. While the backend is up, one answer for the
// identity tells that.
func (f *fencer) mayEnd(due dueEnds) bool {
	if f.backendIsUp(due.identity) {
		return due.taken.Sub(due.since) >= endOverdue || f.answers(due.identity)
	}
	return f.backendAnswers(due.identity)
}

// backendIsUp reports whether the identity's region of the backend answers for an identity that was
// made up now, which has used up nobody's limit. It is asked once for all who ask within answerWithin.
func (f *fencer) backendIsUp(identity string) bool {
	region, _, _ := strings.Cut(identity, ":")
	last := f.regions.last(region)
	select {
	case last.asking <- struct{}{}:
	case <-f.stop:
		return false
	}
	defer func() { <-last.asking }()
	if f.Now().Sub(last.asked) >= answerWithin {
		last.answered = f.backendAnswers(madeUpIdentity(region))
		last.asked = f.Now()
	}
	return last.answered
}

// madeUpIdentity is an identity of a region that nobody has.
func madeUpIdentity(region string) string {
	b := make([]byte, 16)
	rand.Read(b) // which never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%s:%x-%x-%x-%x-%x", region, b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// lastAnswer is whether a region of the backend answered when it was asked last.
type lastAnswer struct {
	asking   chan struct{} // holds one while somebody asks, or reads the rest
	asked    time.Time
	answered bool
}

// maxRegions bounds the regions that are kept: identities that calls name may name any.
const maxRegions = 64

// regions knows how the regions of the backend answered last. It is safe for concurrent use.
type regions struct {
	mu   sync.Mutex
	each map[string]*lastAnswer
}

func (r *regions) last(region string) *lastAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.each[region] == nil {
		if len(r.each) >= maxRegions || r.each == nil {
			r.each = map[string]*lastAnswer{}
		}
		r.each[strings.Clone(region)] = &lastAnswer{asking: make(chan struct{}, 1)}
	}
	return r.each[region]
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
