package fleet

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// probeEvery is how often the servers are looked at.
const probeEvery = 500 * time.Millisecond

// Status is how a broker's share in the fleet stands.
type Status struct {
	// Lease is how long the broker may serve from memory; zero: not at all.
	Lease time.Duration
	// ReadBreakersOpen are the servers that are left alone for they do not answer, Unwritten
	// those that are asked for no writes.
	ReadBreakersOpen, WriteBreakersOpen int
	// Connections to the servers; how often one was waited for, and in vain.
	Connections, Waits, Timeouts int
}

// Status tells how the share stands now.
func (f *Fleet) Status() Status {
	s := Status{Lease: max(0, f.Lease().Left())}
	for _, g := range f.redis.hooks.inUse() {
		if g.answers.open() {
			s.ReadBreakersOpen++
		}
		if g.writes.open() {
			s.WriteBreakersOpen++
		}
		pool := g.server.PoolStats()
		s.Connections += int(pool.TotalConns)
		s.Waits += int(pool.WaitCount)
		s.Timeouts += int(pool.Timeouts)
		if own := pool.PipelineStats; own != nil { // pipelines have a pool of their own
			s.Connections += int(own.TotalConns)
			s.Waits += int(own.WaitCount)
			s.Timeouts += int(own.Timeouts)
		}
	}
	return s
}

// Health is what is wrong with the shared cache, in a few words without names or
// addresses; empty: nothing.
func (f *Fleet) Health() string {
	worst := healthy
	for _, g := range f.redis.hooks.inUse() {
		if t := g.health(); t != healthy && (worst == healthy || t < worst) {
			worst = t
		}
	}
	if worst != healthy {
		return f.healthText(worst)
	}
	if f.Lease().Held() {
		return ""
	}
	if t := health(f.membership.health.Load()); t != healthy {
		return f.healthText(t)
	}
	return "no lease"
}

// healthText are a health in words, with the rights that lack.
func (f *Fleet) healthText(t health) string {
	if t != forbidding {
		return t.String()
	}
	var all []string
	for _, g := range f.redis.hooks.inUse() {
		all = append(all, strings.Fields(g.rightsCheck.missingRules())...)
	}
	if lacks := f.membership.missingRight.Load(); lacks != nil {
		all = append(all, *lacks)
	}
	if len(all) == 0 {
		return t.String()
	}
	slices.Sort(all)
	return t.String() + ": it lacks " + strings.Join(slices.Compact(all), " ")
}

// watchHealth looks at the servers until ctx ends, and tells the log when there is health
// and when it is over.
func (f *Fleet) watchHealth(ctx context.Context) {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	f.redis.checkRights(ctx)
	for told := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		f.redis.hooks.ping(ctx)
		f.redis.checkRights(ctx)
		f.redis.renewMasterLeases(ctx)
		now := f.Health()
		if now != "" {
			f.redis.reload(ctx) // a cluster may have others in its place
		}
		if now == told || ctx.Err() != nil {
			continue
		}
		if told = now; now == "" {
			f.log.Info("redis is well again")
		} else {
			f.log.Warn("redis is degraded", zap.String("reason", now))
		}
	}
}
