package fleet

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// reader reads strings; missing ones are empty.
type reader struct{ redis client }

// get reads the keys in one round trip.
func (r *reader) get(ctx context.Context, keys []string) ([]string, error) {
	gets := make([]*redis.StringCmd, len(keys))
	_, err := r.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			gets[i] = p.Get(ctx, key)
		}
		return nil
	})
	if err != nil && err != redis.Nil {
		return nil, err
	}
	values := make([]string, len(keys))
	for i, got := range gets {
		if values[i], err = got.Result(); err != nil && err != redis.Nil {
			return nil, err
		}
	}
	return values, nil
}
