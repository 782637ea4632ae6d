package fleet

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Server says where Redis is and how it is spoken to.
type Server struct {
	// Addresses as host:port: one is a single server, several are a cluster; with
	// Master they are the sentinels.
	Addresses          []string
	Master             string // the sentinels' name of the master; empty: no sentinels
	Username, Password string
	TLS                *tls.Config // nil: in clear
	DialTimeout        time.Duration
	ReadTimeout        time.Duration
	WriteTimeout       time.Duration
	// PoolSize is the most connections to a node; zero: the library's choice.
	PoolSize int
}

// client is a connection to Redis, whichever its shape.
type client struct {
	redis.UniversalClient
	cluster *redis.ClusterClient // nil: not a cluster
	gate    *bootstrapGate       // the cluster
	hooks   *breakerHooks
}

// dial makes a client. It connects when it is used.
func dial(s Server, observe Observer) client {
	silenceLibrary()
	c := connect(s)
	c.gate, c.hooks = new(bootstrapGate), newGuards(observe)
	if c.cluster != nil {
		c.cluster.OnNewNode(c.hooks.install)
	} else if one, ok := c.UniversalClient.(*redis.Client); ok {
		c.hooks.install(one)
	}
	return c
}

func connect(s Server) client {
	o := &redis.UniversalOptions{
		Addrs: s.Addresses, MasterName: s.Master, Username: s.Username, Password: s.Password, TLSConfig: s.TLS,
		DialTimeout: s.DialTimeout, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout, PoolSize: s.PoolSize,
		// A deadline of a request must end its command.
		ContextTimeoutEnabled: true,
		// The hooks send again what should be; what timed out once would again.
		MaxRetries:   -1,
		MaxRedirects: 3,
		PoolTimeout:  s.ReadTimeout, DialerRetries: 1,
		// Of no use but with Redis Enterprise, and noisy elsewhere.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		DisableIdentity:          true,
	}
	switch {
	case s.Master != "":
		return client{UniversalClient: redis.NewFailoverClient(o.Failover())}
	case len(s.Addresses) > 1:
		cluster := o.Cluster()
		// Who took over from a node that died is asked for only this often; the
		// library's minute would be a minute of errors.
		cluster.ClusterStateReloadInterval = time.Second
		c := redis.NewClusterClient(cluster)
		return client{UniversalClient: c, cluster: c}
	}
	return client{UniversalClient: redis.NewClient(o.Simple())}
}

// node is the server that keeps a key.
func (c client) node(ctx context.Context, key string) (*redis.Client, error) {
	if c.cluster != nil {
		if !c.gate.allow(bypassesBreaker(ctx)) {
			return nil, errNotConnected
		}
		node, err := c.cluster.MasterForKey(ctx, key)
		if err == nil {
			c.gate.open.Store(true)
		}
		return node, err
	}
	one, ok := c.UniversalClient.(*redis.Client)
	if !ok {
		return nil, fmt.Errorf("unexpected client %T", c.UniversalClient)
	}
	return one, nil
}

// at runs a script on the server that keeps a key. A cluster that moved it is asked
// once more.
func (c client) at(ctx context.Context, s script, key string, args ...any) (*redis.Cmd, error) {
	cmd, _, err := c.atBy(ctx, runOnly, s, key, args)
	return cmd, err
}

// confirmedAt is at by runConfirmed.
func (c client) confirmedAt(ctx context.Context, s script, key string, args ...any) (*redis.Cmd, serverState, error) {
	return c.atBy(ctx, c.runConfirmed, s, key, args)
}

func (c client) atBy(ctx context.Context, by scriptRunner, s script, key string, args []any) (*redis.Cmd, serverState, error) {
	try := func() (*redis.Cmd, serverState, error) {
		node, err := c.node(ctx, key)
		if err != nil {
			return nil, serverState{}, err
		}
		results, l, err := by(ctx, node, s, []invocation{{key, args}})
		if err != nil {
			return nil, l, err
		}
		return results[0], l, nil
	}
	cmd, l, err := try()
	if err != nil && moved(err) {
		c.reload(ctx)
		cmd, l, err = try()
	}
	return cmd, l, err
}

// reload asks the cluster anew who keeps what, after a node said it is not it.
func (c client) reload(ctx context.Context) {
	if c.cluster != nil {
		c.cluster.ReloadState(ctx)
	}
}

// byNode groups keys by the server that keeps them; the values are their places
// in keys.
func (c client) byNode(ctx context.Context, keys []string) (map[*redis.Client][]int, error) {
	nodes := map[*redis.Client][]int{}
	for i, key := range keys {
		node, err := c.node(ctx, key)
		if err != nil {
			return nil, err
		}
		nodes[node] = append(nodes[node], i)
	}
	return nodes, nil
}
