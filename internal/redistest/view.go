package redistest

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// view is what a server of a cluster says of its shards.
type view []redis.ClusterSlot

func (v view) masters() []string {
	var list []string
	for _, shard := range v {
		list = append(list, shard.Nodes[0].Addr)
	}
	return list
}

// view asks for SLOTS, not for SHARDS, which lists replicas without data too.
func (s *Server) view() (view, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	slots := redis.NewClusterSlotsCmd(ctx, "CLUSTER", "SLOTS")
	err := s.client.Process(ctx, slots)
	return slots.Val(), err
}

// well tells why a server thinks that the cluster cannot serve.
func (s *Server) well() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := s.client.ClusterInfo(ctx).Result()
	if state := fields(info)["cluster_state"]; err == nil && state != "ok" {
		err = fmt.Errorf("cluster_state is %s", state)
	}
	return err
}

// ask returns a server that runs and its view.
func (c *Sharded) ask() (*Server, view) {
	c.t.Helper()
	err := errors.New("none runs")
	for _, node := range c.nodes {
		if node.runs() {
			var v view
			if v, err = node.view(); err == nil {
				return node, v
			}
		}
	}
	c.t.Fatalf("ask a server of the cluster: %v", err)
	return nil, nil
}

// whole tells what a server lacks of a whole cluster.
func whole(node *Server, v view) error {
	if len(v) != shards {
		return fmt.Errorf("%d shards, want %d", len(v), shards)
	}
	for _, shard := range v {
		if len(shard.Nodes) != 2 {
			return fmt.Errorf("%d servers in a shard, want 2", len(shard.Nodes))
		}
	}
	return node.linked()
}

func (c *Sharded) awaitWhole() error { return c.await("the cluster is whole", whole) }

func (c *Sharded) settle(what string, check func(*Server, view) error) {
	c.t.Helper()
	if err := c.await(what, check); err != nil {
		c.t.Error(err)
	}
}

// await waits until all servers that run say what they should.
func (c *Sharded) await(what string, check func(*Server, view) error) error {
	return await(nil, what, func() error {
		for _, node := range c.nodes {
			if !node.runs() {
				continue
			}
			v, err := node.view()
			if err == nil {
				err = cmp.Or(node.well(), check(node, v))
			}
			if err != nil {
				return fmt.Errorf("%s: %w", node.Addr(), err)
			}
		}
		return nil
	})
}
