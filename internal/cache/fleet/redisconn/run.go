package redisconn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// ServerState is how long a server has been what it is: with the replicas that it needs,
// and without having lost anything by eviction or by being emptied.
type ServerState struct{ EnoughFor, LosslessFor time.Duration }

// ScriptRunner is how a script is run on a server for some calls.
type ScriptRunner func(
	ctx context.Context, node *redis.Client, s Script, calls []Call,
) ([]*redis.Cmd, ServerState, error)

// Run runs a script on one server, of whose state it tells nothing.
func (c Client) Run(
	ctx context.Context, node *redis.Client, s Script, calls []Call,
) ([]*redis.Cmd, ServerState, error) {
	results, _, err := c.RunStamped(ctx, node, s, calls)
	return results, ServerState{}, err
}

// RunStamped is Run, and tells the replication id under which the script ran; empty for a
// script that is not stamped.
func (c Client) RunStamped(
	ctx context.Context, node *redis.Client, s Script, calls []Call,
) ([]*redis.Cmd, string, error) {
	if !s.stamped {
		results, err := (&batch{script: s, calls: calls}).send(ctx, node)
		return results, "", err
	}
	var i info
	return c.runStamped(ctx, node, node, s, calls, &i, func(p redis.Pipeliner) { i.askTerm(ctx, p) })
}

// runStamped runs a script under the replication id that is known of the server, and once
// more where it turns out to have another: behind asks for i after the calls, on the same
// connection. The id was known before, the server has it afterwards, and no master ever has
// it again: so the server had it throughout.
func (c Client) runStamped(
	ctx context.Context, node *redis.Client, conn redis.Cmdable, s Script, calls []Call,
	i *info, behind func(redis.Pipeliner),
) ([]*redis.Cmd, string, error) {
	known := c.hooks.of(node)
	id, err := known.masterID(ctx, conn)
	if err != nil {
		return nil, "", err
	}
	for range 2 {
		results, err := (&batch{script: s, calls: calls, replid: id, behind: behind}).send(ctx, conn)
		if err != nil {
			return nil, "", err
		}
		after := i.masterID()
		if after == id {
			return results, id, nil
		}
		if known.noteTerm(after); after == "" {
			break
		}
		id = after
	}
	return nil, "", ErrUnconfirmed
}

// RunLossless is Run, and tells how long the server has lost nothing until the script had
// run. It fails where the server is not confirmed.
func (c Client) RunLossless(
	ctx context.Context, node *redis.Client, s Script, calls []Call,
) ([]*redis.Cmd, ServerState, error) {
	known, err := c.ConfirmedMaster(ctx, node, "")
	if err != nil {
		return nil, ServerState{}, err
	}
	var i info
	results, id, err := c.runStamped(ctx, node, node, s, calls, &i, func(p redis.Pipeliner) { i.ask(ctx, p) })
	if err != nil {
		return nil, ServerState{}, err
	}
	state := known.state()
	if id != known.ReplicationID || i.losses() != known.losses {
		state.LosslessFor = 0
	}
	return results, state, nil
}

// RunConfirmed runs a script on one server, and succeeds only when its replicas have
// what the script wrote, as many as must: a replica that takes over must not bring
// back what was ended, nor may a master be believed whose place another took. The
// server is confirmed for a moment then.
func (c Client) RunConfirmed(
	ctx context.Context, node *redis.Client, s Script, calls []Call,
) ([]*redis.Cmd, ServerState, error) {
	if _, err := c.ConfirmedMaster(ctx, node, ""); err != nil {
		return nil, ServerState{}, err
	}
	key, err := c.recordKeyOf(ctx, node)
	if err != nil {
		return nil, ServerState{}, err
	}
	conn := node.Conn() // WAIT counts what its own connection wrote
	defer conn.Close()
	sent := time.Now()
	var (
		i info
		w wait
	)
	results, id, err := c.runStamped(ctx, node, conn, s, calls, &i, func(p redis.Pipeliner) {
		w.touch(ctx, p, c, key)
		w.ask(ctx, p, c)
		i.askTerm(ctx, p)
	})
	if err == nil {
		err = w.enough(c)
	}
	if err == nil && !w.wrote() {
		err = c.probe(ctx, node)
	}
	if err != nil {
		return nil, ServerState{}, err
	}
	known, err := c.ConfirmedMaster(ctx, node, id) // another than before, where the server is
	if err != nil {
		return nil, ServerState{}, err
	}
	if w.wrote() {
		c.hooks.of(node).confirm(known.until(sent.Add(masterLeaseLife)))
	}
	return results, known.state(), nil
}

// Spread runs the calls of a script on the servers that keep their keys. It tells the least of
// what the servers are: how long they have been so. A cluster that moved keys is asked once
// more.
func (c Client) Spread(
	ctx context.Context, by ScriptRunner, s Script, calls []Call,
) ([]*redis.Cmd, ServerState, error) {
	results, least, err := c.spread(ctx, by, s, calls)
	if err != nil && Moved(err) {
		c.Reload(ctx)
		results, least, err = c.spread(ctx, by, s, calls)
	}
	return results, least, err
}

func (c Client) spread(
	ctx context.Context, by ScriptRunner, s Script, calls []Call,
) ([]*redis.Cmd, ServerState, error) {
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
		got, state, err := by(ctx, node, s, part)
		if err != nil {
			return nil, ServerState{}, err
		}
		least.EnoughFor, least.LosslessFor = min(least.EnoughFor, state.EnoughFor), min(least.LosslessFor, state.LosslessFor)
		for i, place := range places {
			results[place] = got[i]
		}
	}
	return results, least, nil
}

// byNode groups calls by the server that keeps their keys; the values are their places.
func (c Client) byNode(ctx context.Context, calls []Call) (map[*redis.Client][]int, error) {
	nodes := map[*redis.Client][]int{}
	for i, call := range calls {
		node, err := c.Node(ctx, call.Keys[0])
		if err != nil {
			return nil, err
		}
		nodes[node] = append(nodes[node], i)
	}
	return nodes, nil
}

// At runs a script once, on the server that keeps the keys.
func (c Client) At(ctx context.Context, s Script, keys []string, args ...any) (*redis.Cmd, error) {
	results, _, err := c.Spread(ctx, c.Run, s, []Call{{keys, args}})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// ConfirmedAt is At by RunConfirmed.
func (c Client) ConfirmedAt(
	ctx context.Context, s Script, keys []string, args ...any,
) (*redis.Cmd, ServerState, error) {
	results, state, err := c.Spread(ctx, c.RunConfirmed, s, []Call{{keys, args}})
	if err != nil {
		return nil, state, err
	}
	return results[0], state, nil
}

// ErrUnconfirmed says that a server's replicas do not confirm what it is told:
// another may have taken its place.
var ErrUnconfirmed = errors.New("too few replicas have confirmed the write")

// Unavailable makes cache.ErrFleet of what Redis answered.
func Unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", cache.ErrFleet, what, err)
}
