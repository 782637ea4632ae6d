package redisconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Observer counts what is sent to Redis. Implementations are fast and safe for
// concurrent use.
type Observer interface {
	// Redis counts round trips and how long they took, by the first command.
	Redis(command string, took time.Duration)
}

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
	// MinReplicas is how many replicas of a master must have what is written before it counts,
	// and must be there for the master to be believed. Zero: none, which is safe only where
	// no other server can take the master's place.
	MinReplicas int
	// PoolSize is the most connections to a node; zero: the library's choice.
	PoolSize int
}

// Client is a connection to Redis, whichever its shape.
type Client struct {
	redis.UniversalClient
	Cluster *redis.ClusterClient // nil: not a cluster
	gate    *bootstrapGate       // before the cluster
	hooks   *breakerHooks

	minReplicas   int
	confirmWithin time.Duration // for replicas; the answer is waited for longer
}

// Dial makes a client. It connects when it is used.
func Dial(s Server, observe Observer) Client {
	silenceLibrary()
	c := connect(s)
	c.gate, c.hooks = new(bootstrapGate), newBreakerHooks(observe)
	c.minReplicas, c.confirmWithin = s.MinReplicas, min(maxConfirm, s.ReadTimeout*2/3)
	if c.Cluster != nil {
		c.Cluster.OnNewNode(c.hooks.install)
	} else if one, ok := c.UniversalClient.(*redis.Client); ok {
		c.hooks.install(one)
	}
	return c
}

func connect(s Server) Client {
	o := &redis.UniversalOptions{
		Addrs: s.Addresses, MasterName: s.Master, Username: s.Username, Password: s.Password, TLSConfig: s.TLS,
		DialTimeout: s.DialTimeout, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout, PoolSize: s.PoolSize,
		// A deadline of a request must end its command.
		ContextTimeoutEnabled: true,
		// The hooks retry what may be retried; what timed out once would do so again.
		MaxRetries:   -1,
		MaxRedirects: 3,
		PoolTimeout:  s.ReadTimeout, DialerRetries: 1,
		// Of no use but with Redis Enterprise, and noisy elsewhere.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		DisableIdentity:          true,
	}
	switch {
	case s.Master != "":
		return Client{UniversalClient: redis.NewFailoverClient(o.Failover())}
	case len(s.Addresses) > 1:
		cluster := o.Cluster()
		// How often the cluster is asked who took over from a node that died; with the library's
		// minute, requests would fail for a minute.
		cluster.ClusterStateReloadInterval = time.Second
		c := redis.NewClusterClient(cluster)
		return Client{UniversalClient: c, Cluster: c}
	}
	return Client{UniversalClient: redis.NewClient(o.Simple())}
}

// Node is the server that keeps a key.
func (c Client) Node(ctx context.Context, key string) (*redis.Client, error) {
	if c.Cluster != nil {
		if !c.gate.allow(bypassesBreaker(ctx)) {
			return nil, ErrNotConnected
		}
		node, err := c.Cluster.MasterForKey(ctx, key)
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

// Reload asks the cluster anew who keeps what, after a node said that it does not keep a key.
func (c Client) Reload(ctx context.Context) {
	if c.Cluster != nil {
		c.Cluster.ReloadState(ctx)
	}
}
