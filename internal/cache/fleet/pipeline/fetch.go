package pipeline

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// fetch reads keys from a server, in one round trip, whose reply has their values first.
type fetch func(ctx context.Context, from *redis.Client, keys []string, r *redisconn.Reply) error

// fetchStrings reads strings, with the replication id of the master that answers: on the same
// connection, for a proxy may replace the server at its other end at any time. A cluster
// takes one MGET for keys of one slot only, so there they are read one by one.
func fetchStrings(
	ctx context.Context, c redisconn.Client, from *redis.Client, keys []string, r *redisconn.Reply,
) error {
	command := func(args ...any) redis.Cmder { return redis.NewRawWriteToCmd(ctx, &r.Bytes, args...) }
	var cmds []redis.Cmder
	if c.Cluster != nil {
		cmds = make([]redis.Cmder, 0, len(keys)+1)
		for i := range keys {
			cmds = append(cmds, command("get", &keys[i])) // a pointer takes no memory, as a string would
		}
	} else {
		args := append(make([]any, 0, 1+len(keys)), "mget")
		for i := range keys {
			args = append(args, &keys[i])
		}
		cmds = []redis.Cmder{command(args...)}
	}
	pipe := from.Pipeline()
	if err := pipe.BatchProcess(ctx, append(cmds, command("info", "replication"))...); err != nil {
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

// getEach reads keys from whichever of a cluster's servers has them. It tells of no epochs, for
// it cannot tell which master answered.
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
func stripEpochs(
	ctx context.Context, c redisconn.Client, from *redis.Client, keys []string, values [][]byte, id string,
) error {
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
