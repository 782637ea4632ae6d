package flows

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/aws/smithy-go/middleware"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// poolChange is the record of a change of a pool, from before it is made until its outcome
// is known and what it outdated has ended. Meanwhile what was cached before is served:
// nobody was told that the change was made. But no exchange's answer is served
// before the pool was read since, for it may be of the state after the change (confirm).
type poolChange struct {
	record cache.PoolChange
	poolChangeText
}

// poolChangeText is how a change of unknown outcome is written down.
type poolChangeText struct {
	poolPart
	State poolState // before the change, or when the pool was read last
	// Suspended: the pool could not be read, and all that rests on it has ended, for as
	// long as the change may be made yet. There is nothing to confirm.
	Suspended bool
}

func (pc *poolChange) encode() cache.PoolChange {
	pc.record.Pool = pc.Pool
	pc.record.Text, _ = json.Marshal(pc.poolChangeText) // strings and bytes always encode
	return pc.record
}

func decodePoolChange(noted cache.PoolChange) (pc poolChange, ok bool) {
	pc.record = noted
	err := strictjson.Decode(
		noted.Text, &pc.poolChangeText, strictjson.Limits{Bytes: len(noted.Text), Depth: 4, Values: 100},
	)
	return pc, err == nil && pc.Pool == noted.Pool
}

// PoolChanges are the changes of pools that are under way or of unknown outcome. Its methods
// fail with cache.ErrFleet; cache.PoolChanges tells what each does.
type PoolChanges interface {
	PutPoolChange(ctx context.Context, d cache.PoolChange) error
	ReplacePoolChange(ctx context.Context, d cache.PoolChange) error
	DropPoolChange(ctx context.Context, d cache.PoolChange) error
	PoolChangesOf(ctx context.Context, pool string) ([]cache.PoolChange, error)
	TakeOverPoolChanges(ctx context.Context) ([]cache.PoolChange, error)
}

// poolChanges makes changes of pools, and settles those of unknown outcome. It is safe for
// concurrent use.
type poolChanges struct {
	*Config
	*background
	fences         *fencer
	own            cache.PoolChanges // of a process that is alone
	readings       poolReadings
	toldUnreadable sync.Map // pools and their parts of which Unreadable has heard
}

// store has the records of changes: the fleet's, or this process's own.
func (p *poolChanges) store() PoolChanges {
	if p.Shared != nil {
		return p.Shared
	}
	return &p.own
}

// changePool makes a change of a pool. What rests on the pool ends when the backend has
// made the change, before anybody is told so. A refusal ends nothing. Of an unknown
// outcome, reading the pool tells; where that is not allowed, a fence is around the
// change. same reports, of the backend's answer, whether the state before is that after;
// nil: nobody can tell.
func changePool[Out any](
	ctx context.Context, p *poolChanges, part poolPart, change call[Out],
	same func(*Out, poolState) bool,
) (*Out, error) {
	quiet := p.beginQuietPeriod()
	defer quiet.end()
	before, err := p.state(ctx, part)
	switch {
	case err != nil && cognito.Passing(err):
		return nil, err // where the pool cannot be read, it cannot be changed well either
	case err != nil:
		p.unreadable(part, err)
		return changeFenced(ctx, p, part, change)
	case before == absentPart && p.poolMissing(ctx, part):
		return nil, cognito.PoolNotFound(part.Pool)
	}
	pc, err := p.announceChange(ctx, part, before)
	if err != nil {
		return nil, err
	}
	settled := false
	defer func() {
		if !settled {
			p.settleLater(pc)
		}
	}()
	out, err := change(ctx)
	switch {
	case err == nil:
		unchanged := cognito.Unchanged(metadata(out)) ||
			same != nil && same(out, before) && quiet.covers(ctx, part.scopes())
		if !unchanged {
			if err := p.endPoolPart(part); err != nil {
				return nil, err
			}
		}
	case !cognito.Unmade(err):
		return nil, withUnknownOutcome(err)
	}
	settled = p.dropChange(pc)
	return out, err
}

// poolMissing reports whether the pool of what the backend does not have is missing too.
func (p *poolChanges) poolMissing(ctx context.Context, part poolPart) bool {
	if part.Kind != tagsOf {
		return true
	}
	pool, err := p.state(ctx, poolPart{Kind: settingsOf, Pool: part.Pool})
	return err == nil && pool == absentPart
}

// withUnknownOutcome is an error that does not say what became of a change: an earlier request of
// the call may have been heard.
func withUnknownOutcome(err error) error {
	if cognito.Public(err).ErrorCode() == cognito.CodeInternal {
		return err
	}
	return cognito.Unavailable(err)
}

// announceChange records a change that is to be made. A fence over a scope that nobody uses shows
// first that one can begin: after the change it must. It fails with
// cognito.ErrUnavailable, and cognito.TooManyRequests where too many changes are recorded.
func (p *poolChanges) announceChange(ctx context.Context, part poolPart, before poolState) (poolChange, error) {
	fence, err := p.fences.beginFence(ctx, []cache.Scope{cache.Scope("d/" + part.Pool)})
	if err != nil {
		return poolChange{}, err
	}
	fence.Cancel()
	pc := poolChange{poolChangeText: poolChangeText{poolPart: part, State: before}}
	rand.Read(pc.record.ID[:])
	switch err := p.store().PutPoolChange(ctx, pc.encode()); {
	case errors.Is(err, cache.ErrLimited):
		return poolChange{}, cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), err)
	case err != nil:
		p.dropChangeLater(pc) // it may have arrived
		return poolChange{}, cognito.Unavailable(err)
	}
	return pc, nil
}

// endPoolPart ends all that rests on what changed, whether or not the client stays. What
// fails goes on in the background.
func (p *poolChanges) endPoolPart(part poolPart) error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	return p.fences.Fence(ctx, part.scopes()...)
}

// endTimeout bounds the end of what a change outdated, whether or not its client stays.
const endTimeout = 5 * time.Second

// changeFenced makes a change of a pool that may not be read: within a fence, that stays
// as long as a change may take whose outcome is not known.
func changeFenced[Out any](
	ctx context.Context, p *poolChanges, part poolPart, change call[Out],
) (*Out, error) {
	fence, err := p.fences.beginFence(ctx, part.scopes())
	if err != nil {
		return nil, err
	}
	out, err := change(ctx)
	switch {
	case err == nil && cognito.Unchanged(metadata(out)), cognito.Unmade(err):
		fence.Cancel()
		return out, err
	case err != nil:
		p.fences.leaveOpen(fence)
		return nil, withUnknownOutcome(err)
	}
	_, err = p.fences.endFence(fence, nil)
	return unlessFailed(out, err)
}

// metadata is what an output of the SDK has beside its members.
func metadata(out any) middleware.Metadata {
	m, _ := reflect.ValueOf(out).Elem().FieldByName("ResultMetadata").Interface().(middleware.Metadata)
	return m
}
