package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
)

// ErrPanicked wraps a panic in shared work; the askers get an error, the
// process lives.
var ErrPanicked = errors.New("shared work panicked")

// Flights lets askers of one key under one epoch share an exchange. The zero
// value is ready to use, and it is safe for concurrent use.
type Flights[T any] struct{ group singleflight.Group }

// Do runs work once for all who ask for key under stamp's epochs while it runs.
// Whoever asks after a fence finds another name, and so never joins work that
// began before it.
//
// work runs detached from its first asker's cancellation, under its own limit;
// each asker leaves on his own context with its error. led tells the one whose
// work ran from those who joined it.
func (f *Flights[T]) Do(ctx context.Context, key Key, stamp Stamp, limit time.Duration, work func(context.Context) (T, error)) (value T, led bool, err error) {
	mine := false
	results := f.group.DoChan(string(key[:])+stamp.id(), func() (v any, err error) {
		mine = true
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%w: %v", ErrPanicked, p)
			}
		}()
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		return work(detached)
	})
	select {
	case <-ctx.Done():
		return value, false, ctx.Err()
	case r := <-results:
		value, _ = r.Val.(T)
		return value, mine, r.Err
	}
}
