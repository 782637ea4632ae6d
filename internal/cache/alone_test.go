package cache_test

import (
	"context"

	"github.com/cognito-broker/broker/internal/cache"
)

// alone is a fence of a process that shares its cache with nobody: it never fails.
type alone struct{ *cache.Fence }

func fence(e *cache.Epochs, scopes ...cache.Scope) alone {
	f, err := e.Fence(context.Background(), scopes...)
	if err != nil {
		panic(err)
	}
	return alone{f}
}

func (a alone) Done() cache.Stamp {
	stamp, err := a.Fence.Done()
	if err != nil {
		panic(err)
	}
	return stamp
}
