package redisconn

import (
	"context"
	"fmt"
	"math"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// ScriptRunner is how a script is run on a server for some of the scopes.
type ScriptRunner func(ctx context.Context, node *redis.Client, s Script, calls []Call) ([]*redis.Cmd, ServerState, error)

// Spread runs the calls of a script on the servers that keep their keys. It tells the least of what
// the servers are: how long they have been so.
func (c Client) Spread(ctx context.Context, by ScriptRunner, s Script, calls []Call) ([]*redis.Cmd, ServerState, error) {
	nodes, err := c.byNode(ctx, calls)
	if err != nil {
		return nil, ServerState{}, err
	}
	results := make([]*redis.Cmd, len(calls))
	least := ServerState{EnoughFor: math.MaxInt64, LosslessFor: math.MaxInt64}
	for node, places := range nodes {
		part := make([]Call, len(places))
		for i, place := range places {
			part[i] = calls[place]
		}
		got, l, err := by(ctx, node, s, part)
		if err != nil {
			return nil, ServerState{}, err
		}
		least.EnoughFor, least.LosslessFor = min(least.EnoughFor, l.EnoughFor), min(least.LosslessFor, l.LosslessFor)
		for i, place := range places {
			results[place] = got[i]
		}
	}
	return results, least, nil
}

// RunOnly runs a script on one server, which is not looked at.
func RunOnly(ctx context.Context, node *redis.Client, s Script, calls []Call) ([]*redis.Cmd, ServerState, error) {
	results, err := s.Run(ctx, node, calls)
	return results, ServerState{}, err
}

// Unavailable makes cache.ErrFleet of what Redis answered.
func Unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", cache.ErrFleet, what, err)
}
