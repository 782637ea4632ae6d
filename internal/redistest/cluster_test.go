package redistest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/redistest"
)

func clusterClient(t *testing.T, c *redistest.Sharded) *redis.ClusterClient {
	t.Helper()
	n := c.Nodes()[0]
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.Addrs(), Username: n.Username, Password: n.Password, TLSConfig: n.TLS,
		// The default is a minute, and no error makes the client look earlier.
		ClusterStateReloadInterval: 100 * time.Millisecond, DialerRetries: 1,
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// A cluster serves, loses masters and gets them back.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t)
	client := clusterClient(t, c)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		set(t, client, key, "in-"+key)
	}
	if got := len(c.Masters()); got != 3 {
		t.Errorf("got %d masters, want 3", got)
	}
	if got := len(c.Dump()); got != 5 {
		t.Errorf("a dump has %d entries, want 5", got)
	}

	master, replica := c.MasterOf("a"), c.ReplicaOf("a")
	if dead := c.KillMaster("a"); dead != master {
		t.Errorf("killed %s, want %s", dead.Addr(), master.Addr())
	}
	if got := c.MasterOf("a"); got != replica {
		t.Errorf("then %s is master, want %s", got.Addr(), replica.Addr())
	}
	until(t, "a client finds the new master", func() bool {
		return client.Set(t.Context(), "a", "after the failover", 0).Err() == nil
	})

	c.Heal()
	if got := c.ReplicaOf("a"); got != master {
		t.Errorf("healed, %s is replica, want %s", got.Addr(), master.Addr())
	}
	c.Failover("a")
	if got := c.MasterOf("a"); got != master {
		t.Errorf("after Failover %s is master, want %s", got.Addr(), master.Addr())
	}
	if got := get(t, master, "a"); got != "after the failover" {
		t.Errorf("after Failover: got %q, want what was written before", got)
	}

	c.FlushAll()
	if got := len(c.Dump()); got != 0 {
		t.Errorf("after FlushAll a dump has %d entries, want none", got)
	}
}

// A paused master loses its place, and learns it when it goes on.
func TestClusterPause(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t)
	master := c.MasterOf("k")
	master.Pause()
	until(t, "its replica takes over", func() bool { return !slices.Contains(c.Masters(), master) })
	c.Heal()
	if got := c.ReplicaOf("k"); got != master {
		t.Errorf("healed, %s is replica, want %s", got.Addr(), master.Addr())
	}
}

func TestClusterLogins(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, redistest.MutualTLS(), redistest.User("broker", "secret"))
	client := clusterClient(t, c)
	set(t, client, "k", "v")
	c.KillMaster("k")
	until(t, "a client finds the new master", func() bool {
		return client.Set(t.Context(), "k", "v", 0).Err() == nil
	})
}
