package redistest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// Sharded is a Redis Cluster: three masters, each with a replica. Its methods
// are for one goroutine at a time; what they cannot do fails the test.
type Sharded struct {
	t     testing.TB
	nodes []*Server
}

const (
	shards   = 3
	allSlots = 16384
)

// Cluster starts a cluster, and ends it with the test. Its nodes take one for dead
// that was silent for a second; Arg("cluster-node-timeout", …) changes that.
func Cluster(t testing.TB, options ...Option) *Sharded {
	t.Helper()
	u := newSetup(t, options)
	c := &Sharded{t: t}
	for range 2 * shards {
		c.nodes = append(c.nodes, newServer(t, u,
			"cluster-enabled yes",
			"cluster-announce-ip 127.0.0.1",
			"cluster-node-timeout 1000",
			"cluster-replica-validity-factor 0", // a replica takes over however old its data is
			"cluster-allow-replica-migration no",
		))
	}
	if err := c.form(); err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	return c
}

// form starts the nodes and makes the first ones masters and the others their
// replicas.
func (c *Sharded) form() error {
	if err := startAll(c.nodes); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, node := range c.nodes {
		err := node.client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err()
		if i < shards {
			first, last := i*allSlots/shards, (i+1)*allSlots/shards-1
			err = errors.Join(err, node.client.ClusterAddSlotsRange(ctx, first, last).Err())
		}
		err = errors.Join(err, node.client.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", c.nodes[0].port).Err())
		if err != nil {
			return err
		}
	}
	for i, replica := range c.nodes[shards:] {
		id, err := c.nodes[i].client.Do(ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return err
		}
		err = await(nil, "a replica knows its master", func() error {
			return replica.client.ClusterReplicate(ctx, id).Err()
		})
		if err != nil {
			return err
		}
	}
	return c.awaitWhole()
}

// Nodes returns all servers, in an order that means nothing.
func (c *Sharded) Nodes() []*Server { return slices.Clone(c.nodes) }

// Addrs returns the addresses of all servers.
func (c *Sharded) Addrs() []string { return addresses(c.nodes) }

// KillMaster kills the master of a key. It returns the dead one, when its replica
// has taken over and every other server says so.
func (c *Sharded) KillMaster(key string) *Server {
	c.t.Helper()
	dead := c.MasterOf(key)
	dead.Kill()
	c.settle("a replica takes over", func(_ *Server, v view) error {
		if slices.Contains(v.masters(), dead.Addr()) {
			return fmt.Errorf("%s is still a master", dead.Addr())
		}
		return nil
	})
	return dead
}

// Failover makes the replica of a key's master take its place; no write is lost.
func (c *Sharded) Failover(key string) {
	c.t.Helper()
	replica := c.ReplicaOf(key)
	replica.must("CLUSTER FAILOVER", func(ctx context.Context) error {
		return replica.client.ClusterFailover(ctx).Err()
	})
	c.settle("the replica takes over", func(node *Server, v view) error {
		if !slices.Contains(v.masters(), replica.Addr()) {
			return fmt.Errorf("%s is not a master yet", replica.Addr())
		}
		return whole(node, v)
	})
}

// Heal starts the servers that were killed, lets paused ones go on, and returns
// when each master has a replica that has its data.
func (c *Sharded) Heal() {
	c.t.Helper()
	for _, node := range c.nodes {
		node.revive()
	}
	if err := c.awaitWhole(); err != nil {
		c.t.Error(err)
	}
}

// FlushAll empties the masters, and so their replicas.
func (c *Sharded) FlushAll() {
	c.t.Helper()
	for _, m := range c.Masters() {
		m.FlushAll()
	}
}

// Dump returns the entries of all masters.
func (c *Sharded) Dump() []Entry {
	c.t.Helper()
	var entries []Entry
	for _, m := range c.Masters() {
		entries = append(entries, m.Dump()...)
	}
	return entries
}

// Masters returns the servers that hold the slots now.
func (c *Sharded) Masters() []*Server {
	c.t.Helper()
	_, v := c.ask()
	var masters []*Server
	for _, address := range v.masters() {
		masters = append(masters, c.node(address))
	}
	return masters
}

// MasterOf returns the server that holds the key's slot now.
func (c *Sharded) MasterOf(key string) *Server {
	c.t.Helper()
	return c.holder(key, 0)
}

// ReplicaOf returns the replica of the server that holds the key's slot now.
func (c *Sharded) ReplicaOf(key string) *Server {
	c.t.Helper()
	return c.holder(key, 1)
}

// holder returns the nth server of the key's shard; its master is the first.
func (c *Sharded) holder(key string, nth int) *Server {
	c.t.Helper()
	node, v := c.ask()
	slot := 0
	node.must("CLUSTER KEYSLOT", func(ctx context.Context) error {
		n, err := node.client.ClusterKeySlot(ctx, key).Result()
		slot = int(n)
		return err
	})
	for _, shard := range v {
		if shard.Start <= slot && slot <= shard.End && nth < len(shard.Nodes) {
			return c.node(shard.Nodes[nth].Addr)
		}
	}
	c.t.Fatalf("nobody holds slot %d as number %d of its shard", slot, nth)
	return nil
}

func (c *Sharded) node(address string) *Server {
	return c.nodes[slices.IndexFunc(c.nodes, func(s *Server) bool { return s.Addr() == address })]
}
