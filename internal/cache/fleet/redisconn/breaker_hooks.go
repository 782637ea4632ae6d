package redisconn

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// breakerHooks are the hooks of all servers that the client has met. It is safe for concurrent
// use.
type breakerHooks struct {
	observe Observer
	mu      sync.RWMutex
	all     []*breakerHook
	by      map[*redis.Client]*breakerHook
	masters masters
}

func newBreakerHooks(observe Observer) *breakerHooks {
	return &breakerHooks{observe: observe, by: map[*redis.Client]*breakerHook{}}
}

// install puts a hook before a server.
func (g *breakerHooks) install(server *redis.Client) {
	one := newBreakerHook(server, g.observe)
	server.AddHook(one)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, one)
	g.by[server] = one
}

// of is the hook of a server; a new one where the server has been dropped.
func (g *breakerHooks) of(server *redis.Client) *breakerHook {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if one := g.by[server]; one != nil {
		return one
	}
	return newBreakerHook(server, g.observe)
}

// wantedWithin is how long a server counts as in use after its last use. Replicas of a cluster
// are never used, nor is a master whose place another took.
const wantedWithin = 5 * time.Second

// inUse are the hooks of the servers in use.
func (g *breakerHooks) inUse() []*breakerHook {
	g.mu.Lock()
	defer g.mu.Unlock()
	var some []*breakerHook
	for _, one := range g.all {
		if len(g.all) == 1 || since(&one.used) < wantedWithin {
			some = append(some, one)
		}
	}
	return some
}

// drop forgets a hook.
func (g *breakerHooks) drop(gone *breakerHook) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.by, gone.server)
	for i, one := range g.all {
		if one == gone {
			g.all = append(g.all[:i:i], g.all[i+1:]...)
			return
		}
	}
}

// ping asks each server in use whether it answers. It waits for all of them, as long as the
// client's time-outs let it.
func (g *breakerHooks) ping(ctx context.Context) {
	var group sync.WaitGroup
	for _, one := range g.inUse() {
		group.Go(func() {
			if err := one.server.Ping(asProbe(ctx)).Err(); errors.Is(err, redis.ErrClosed) {
				g.drop(one) // it left the cluster
			}
		})
	}
	group.Wait()
}
