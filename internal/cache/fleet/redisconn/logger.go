package redisconn

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// silentLogger keeps the library from writing to stderr, a line for each failed dial: what
// fails is counted, and told once by whoever it fails for.
type silentLogger struct{}

func (silentLogger) Printf(context.Context, string, ...any) {}

var silenceLibrary = sync.OnceFunc(func() { redis.SetLogger(silentLogger{}) })
