package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// ErrPanicked wraps a panic in shared work; the callers get an error, the
// process lives.
var ErrPanicked = errors.New("shared work panicked")

// Flights lets callers of one key share an exchange, and never one that began
// before a fence which was answered before they asked. The zero value is ready to
// use, and it is safe for concurrent use.
type Flights[T any] struct {
	group  singleflight.Group
	mu     sync.Mutex
	queues map[Key]*queued[T]
}

// Do runs work once for all who ask for key under stamp's epochs while it runs.
// Whoever asks after a fence finds another name, and so never joins work that
// began before it. Where the stamp cannot tell (it is not Agreed), nobody joins
// work that runs already: all who ask meanwhile share the next, which begins when
// that has ended.
//
// work runs detached from its first caller's cancellation, under its own limit;
// each caller leaves on his own context with its error. ran tells the one whose
// work ran from those who joined it.
func (f *Flights[T]) Do(
	ctx context.Context, key Key, stamp Stamp, limit time.Duration, work func(context.Context) (T, error),
) (value T, ran bool, err error) {
	detached := func() (T, error) { return detach(ctx, limit, work) }
	if !stamp.Agreed() {
		return f.next(ctx, key, detached)
	}
	mine := false
	results := f.group.DoChan(string(key[:])+stamp.id(), func() (any, error) {
		mine = true
		return detached()
	})
	select {
	case <-ctx.Done():
		return value, false, ctx.Err()
	case r := <-results:
		value, _ = r.Val.(T)
		return value, mine, r.Err
	}
}

// detach runs work under its own limit, whatever becomes of ctx.
func detach[T any](
	ctx context.Context, limit time.Duration, work func(context.Context) (T, error),
) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanicked, p)
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return work(ctx)
}
