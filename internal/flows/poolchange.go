package flows

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/aws/smithy-go/middleware"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// doubt is what is noted of a change of a pool, from before it is made until its outcome
// is known and what it outdated has ended. Meanwhile what was cached before is served:
// nobody was told that the change was made. But no exchange's answer is handed out
// before the pool was read since, for it may be of the state after the change (confirm).
type doubt struct {
	noted cache.PoolChange
	doubtText
}

// doubtText is how a doubt is written down.
type doubtText struct {
	aspect
	State poolState // before the change, or when the pool was read last
	// Suspended: the pool could not be read, and all that rests on it has ended, for as
	// long as the change may be made yet. There is nothing to confirm.
	Suspended bool
}

func (d *doubt) spell() cache.PoolChange {
	d.noted.Pool = d.Pool
	d.noted.Text, _ = json.Marshal(d.doubtText) // strings and bytes always spell
	return d.noted
}

func readDoubt(noted cache.PoolChange) (d doubt, ok bool) {
	d.noted = noted
	err := strictjson.Decode(noted.Text, &d.doubtText, strictjson.Limits{Bytes: len(noted.Text), Depth: 4, Values: 100})
	return d, err == nil && d.Pool == noted.Pool
}

// PoolChanges are the changes of pools that are under way or of unknown outcome. Its methods
// fail with cache.ErrFleet; cache.Doubts tells what each does.
type PoolChanges interface {
	PutPoolChange(ctx context.Context, d cache.PoolChange) error
	ReplacePoolChange(ctx context.Context, d cache.PoolChange) error
	DropPoolChange(ctx context.Context, d cache.PoolChange) error
	PoolChangesOf(ctx context.Context, pool string) ([]cache.PoolChange, error)
	TakeOverPoolChanges(ctx context.Context) ([]cache.PoolChange, error)
}

// doubts are the fleet's, or this process's own.
func (s *Service) doubts() PoolChanges {
	if s.Shared != nil {
		return s.Shared
	}
	return &s.ownDoubts
}

// changePool makes a change of a pool. What rests on the pool ends when the backend has
// made the change, before anybody is told so. A refusal ends nothing. Of an unknown
// outcome, reading the pool tells; where that is not allowed, a fence is around the
// change. same reports, of the backend's answer, whether the state before is that after;
// nil: nobody can tell.
func changePool[Out any](ctx context.Context, s *Service, a aspect, change func(context.Context) (*Out, error), same func(*Out, poolState) bool) (*Out, error) {
	watch, began := s.Epochs.RecordInvalidations(), time.Now()
	defer watch.Close()
	before, err := s.state(ctx, a)
	switch {
	case err != nil && cognito.Passing(err):
		return nil, err // where the pool cannot be read, it cannot be changed well either
	case err != nil:
		s.unreadable(a, err)
		return changeFenced(ctx, s, a, change)
	case before == gone && s.missing(ctx, a):
		return nil, cognito.PoolNotFound(a.Pool)
	}
	d, err := s.announceChange(ctx, a, before)
	if err != nil {
		return nil, err
	}
	settled := false
	defer func() {
		if !settled {
			s.settleBehind(d)
		}
	}()
	out, err := change(ctx)
	switch {
	case err == nil:
		if !cognito.Unchanged(metadata(out)) && !(same != nil && same(out, before) && s.untouched(ctx, watch, began, a)) {
			if err := s.endPool(a); err != nil {
				return nil, err
			}
		}
	case !cognito.Unmade(err):
		return nil, unknown(err)
	}
	settled = s.forget(d)
	return out, err
}

// missing reports whether the pool of what the backend does not have is missing too.
func (s *Service) missing(ctx context.Context, a aspect) bool {
	if a.Kind != tagsOf {
		return true
	}
	pool, err := s.state(ctx, aspect{Kind: settingsOf, Pool: a.Pool})
	return err == nil && pool == gone
}

// unknown is an error that does not say what became of a change: an earlier request of
// the call may have been heard.
func unknown(err error) error {
	if cognito.Public(err).ErrorCode() == cognito.CodeInternal {
		return err
	}
	return cognito.Unavailable(err)
}

// announceChange notes a change that is to be made. A fence that concerns nobody shows
// first that one could be set: after the change it must be. It fails with
// cognito.ErrUnavailable, and cognito.TooManyRequests where too many changes are noted.
func (s *Service) announceChange(ctx context.Context, a aspect, before poolState) (doubt, error) {
	fence, err := s.fence(ctx, []cache.Scope{cache.Scope("d/" + a.Pool)})
	if err != nil {
		return doubt{}, err
	}
	fence.Cancel()
	d := doubt{doubtText: doubtText{aspect: a, State: before}}
	rand.Read(d.noted.ID[:])
	switch err := s.doubts().PutPoolChange(ctx, d.spell()); {
	case errors.Is(err, cache.ErrLimited):
		return doubt{}, cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), err)
	case err != nil:
		s.forgetBehind(d) // it may have arrived
		return doubt{}, cognito.Unavailable(err)
	}
	return d, nil
}

// untouched reports whether no other change that was fenced came between the reading of a
// pool before a change and now.
func (s *Service) untouched(ctx context.Context, watch *cache.InvalidationRecorder, began time.Time, a aspect) bool {
	for _, scope := range a.scopes() {
		if stamp := s.settled(ctx, watch, began, scope); !stamp.Stands() {
			return false
		}
	}
	return true
}

// endPool ends all that rests on what changed, whether or not the asker stays. What
// fails goes on in the background.
func (s *Service) endPool(a aspect) error {
	ctx, cancel := context.WithTimeout(context.Background(), endPoolWithin)
	defer cancel()
	return s.Fence(ctx, a.scopes()...)
}

// endPoolWithin bounds a fence around nobody's request.
const endPoolWithin = 5 * time.Second

// changeFenced makes a change of a pool that may not be read: within a fence, that stays
// as long as a change may take whose outcome is not known.
func changeFenced[Out any](ctx context.Context, s *Service, a aspect, change func(context.Context) (*Out, error)) (*Out, error) {
	fence, err := s.fence(ctx, a.scopes())
	if err != nil {
		return nil, err
	}
	out, err := change(ctx)
	switch {
	case err == nil && cognito.Unchanged(metadata(out)), cognito.Unmade(err):
		fence.Cancel()
		return out, err
	case err != nil:
		s.linger(fence)
		return nil, unknown(err)
	}
	return withheld(out, cmp.Or(err, s.endFence(fence, err)))
}

// linger leaves a fence around a change that may be made yet.
func (s *Service) linger(fence *cache.Fence) {
	if s.Shared != nil {
		fence.LeavePending()
		return
	}
	end := func() {
		s.pauseFor(s.madeWithin())
		_, _ = fence.Done() // of a process that is alone: it cannot fail
	}
	if !s.behind(end) {
		fence.LeavePending()
	}
}

// madeWithin is how long after its call a change may be made: as long as a request may
// be under way.
func (s *Service) madeWithin() time.Duration { return s.Timeout + 10*time.Second }

// metadata is what an output of the SDK has beside its members.
func metadata(out any) middleware.Metadata {
	m, _ := reflect.ValueOf(out).Elem().FieldByName("ResultMetadata").Interface().(middleware.Metadata)
	return m
}
