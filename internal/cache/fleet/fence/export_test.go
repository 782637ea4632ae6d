package fence

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// MayArriveWithin is how late a fence that was given up may arrive.
const MayArriveWithin = mayArriveWithin

// OpenTwice opens a scope's epoch by one command, and once more by the same after it was lost: as a
// command that was sent twice, of which one arrives late.
func (f *Fences) OpenTwice(ctx context.Context, scope cache.Scope, lose func(name string) error) (epochs [2]string, err error) {
	root := f.codec.Names.Root(scope)
	call := f.openCall(root, 0)
	for i := range epochs {
		results, _, err := f.redis.Spread(ctx, f.redis.Run, openEpoch, []redisconn.Call{call})
		if err != nil {
			return epochs, err
		}
		if epochs[i], err = results[0].Text(); err != nil {
			return epochs, err
		}
		if err := lose(root.Epoch()); err != nil {
			return epochs, err
		}
	}
	return epochs, nil
}

// LateFence gives up a fence around a scope that has not arrived, which is looked for as
// long as that. looked gets one for each look, arrive has it arrive, and given is closed
// when nobody looks for it any more.
func (f *Fences) LateFence(
	ctx context.Context, scope cache.Scope, late time.Duration,
) (looked <-chan bool, arrive func() error, given <-chan struct{}) {
	c := &sharedFence{fences: f, scopes: []cache.Scope{scope}, id: codec.Random(), epochs: [][16]byte{codec.Random()}}
	done, looks := make(chan struct{}), make(chan bool, 10_000)
	go func() { defer close(done); c.cancelUntilArrived(ctx, late, func() { looks <- true }) }()
	return looks, func() error {
		root := f.codec.Names.Root(scope)
		_, err := f.redis.At(ctx, beginFence, scopeKeys(root), c.epochs[0][:], EpochLife.Milliseconds(), c.id[:], f.fenceLife.Milliseconds(), MaxFences)
		return err
	}, done
}
