package pipeline

import (
	"context"
	"errors"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/redis/go-redis/v9"
)

// fetch reads keys from a server, in one round trip, whose reply has their values
// first.
type fetch func(ctx context.Context, from *redis.Client, keys []string, r *redisconn.Reply) error

// fetchEach reads keys one by one in one round trip.
func fetchEach(ctx context.Context, c redisconn.Client, from *redis.Client, keys []string, r *redisconn.Reply) error {
	cmds := make([]redis.Cmder, 0, len(keys)+1)
	for i := range keys {
		cmds = append(cmds, redis.NewRawWriteToCmd(ctx, &r.Bytes, "get", &keys[i]))
	}
	return fetchRaw(ctx, c, from, keys, r, cmds)
}

// fetchTogether reads keys by one command. A cluster takes it for keys of one slot
// only.
func fetchTogether(ctx context.Context, c redisconn.Client, from *redis.Client, keys []string, r *redisconn.Reply) error {
	args := make([]any, 1, 1+len(keys))
	args[0] = "mget"
	for i := range keys {
		args = append(args, &keys[i]) // which takes no memory, as a string would
	}
	return fetchRaw(ctx, c, from, keys, r, []redis.Cmder{redis.NewRawWriteToCmd(ctx, &r.Bytes, args...)})
}

// fetch sends raw commands that read keys.
func fetchRaw(ctx context.Context, c redisconn.Client, from *redis.Client, keys []string, r *redisconn.Reply, cmds []redis.Cmder) error {
	// Of the connection that the rest is read on.
	cmds = append(cmds, redis.NewRawWriteToCmd(ctx, &r.Bytes, "info", "replication"))
	pipe := from.Pipeline()
	if err := pipe.BatchProcess(ctx, cmds...); err != nil {
		return err
	}
	if _, err := pipe.Exec(r.Within(ctx)); err != nil {
		return err
	}
	if len(r.Values) != len(keys)+1 {
		return redisconn.ErrReply
	}
	return stripEpochs(ctx, c, from, keys, r.Values, redisconn.MasterID(r.Values[len(keys)]))
}

// getEach reads keys of a cluster's servers one by one. It tells of no epochs, for
// nobody can tell which process answered.
func getEach(ctx context.Context, c redisconn.Client, keys []string) ([]string, error) {
	gets := make([]*redis.StringCmd, len(keys))
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			gets[i] = p.Get(ctx, key)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	values := make([]string, len(keys))
	for i, got := range gets {
		if values[i], err = got.Result(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		if codec.IsEpoch(keys[i]) {
			values[i] = ""
		}
	}
	return values, nil
}

// stripEpochs makes of epochs that were read from a server what codec.ParseEpoch takes: of its
// own epochs the epoch, of any other nothing. id is the replication id of the master that
// answered, empty where it is none. Where that master is not confirmed, it fails.
func stripEpochs(ctx context.Context, c redisconn.Client, from *redis.Client, keys []string, values [][]byte, id string) error {
	confirmed := false
	for i, key := range keys {
		v := values[i]
		if len(v) == 0 || !codec.IsEpoch(key) {
			continue
		}
		if !confirmed {
			if id == "" {
				return redisconn.ErrUnconfirmed
			}
			if _, err := c.ConfirmedMaster(ctx, from, id); err != nil {
				return err
			}
			confirmed = true
		}
		if values[i] = nil; len(v) == codec.EpochSize && string(v[16:]) == id {
			values[i] = v[:16]
		}
	}
	return nil
}
