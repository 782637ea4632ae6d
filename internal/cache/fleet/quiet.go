package fleet

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// quiet keeps the library from writing to stderr, a line for each failed dial: what
// fails is counted, and told once by whoever it fails for.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

var hush = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })
