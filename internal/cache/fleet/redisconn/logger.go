package redisconn

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// silentLogger keeps the library from writing a line to stderr for each failed dial: failures are
// counted, and logged once by package fleet.
type silentLogger struct{}

func (silentLogger) Printf(context.Context, string, ...any) {}

var silenceLibrary = sync.OnceFunc(func() { redis.SetLogger(silentLogger{}) })
