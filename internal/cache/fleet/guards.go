package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// guards are the guards of all servers that the client met. It is safe for
// concurrent use.
type guards struct {
	observe Observer
	mu      sync.RWMutex
	all     []*guard
	by      map[*redis.Client]*guard
}

func newGuards(observe Observer) *guards {
	return &guards{observe: observe, by: map[*redis.Client]*guard{}}
}

// guard puts a guard before a server.
func (g *guards) guard(server *redis.Client) {
	one := newGuard(server, g.observe)
	server.AddHook(one)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, one)
	g.by[server] = one
}

// of is the guard of a server. Of one that has been dropped nothing is known.
func (g *guards) of(server *redis.Client) *guard {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if one := g.by[server]; one != nil {
		return one
	}
	return newGuard(server, g.observe)
}

// wantedWithin is how long a server is of interest after somebody wanted it last:
// replicas of a cluster never are, nor is a master whose place another took.
const wantedWithin = 5 * time.Second

// wanted are the guards of the servers in use.
func (g *guards) wanted() []*guard {
	g.mu.Lock()
	defer g.mu.Unlock()
	var some []*guard
	for _, one := range g.all {
		if len(g.all) == 1 || since(&one.used) < wantedWithin {
			some = append(some, one)
		}
	}
	return some
}

// drop forgets a guard.
func (g *guards) drop(gone *guard) {
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

// look asks each server in use for a sign of life. It waits for all of them, as
// long as the client's time-outs let it.
func (g *guards) look(ctx context.Context) {
	var group sync.WaitGroup
	for _, one := range g.wanted() {
		group.Go(func() {
			if err := one.server.Ping(looking(ctx)).Err(); errors.Is(err, redis.ErrClosed) {
				g.drop(one) // it left the cluster
			}
		})
	}
	group.Wait()
}
