package fleet

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// watchEvery is how often the servers are looked at.
const watchEvery = 500 * time.Millisecond

// Status is how a broker's share in the fleet stands.
type Status struct {
	// Lease is how long the broker may serve from memory; zero: not at all.
	Lease time.Duration
	// Silent are the servers that are left alone for they do not answer, Unwritten
	// those that are asked for no writes.
	Silent, Unwritten int
	// Connections to the servers; how often one was waited for, and in vain.
	Connections, Waits, Timeouts int
}

// Status tells how the share stands now.
func (f *Fleet) Status() Status {
	s := Status{Lease: max(0, f.Lease().Left())}
	for _, g := range f.redis.guards.wanted() {
		if g.answers.open() {
			s.Silent++
		}
		if g.writes.open() {
			s.Unwritten++
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

// Trouble is what is wrong with the shared cache, in a few words without names or
// addresses; empty: nothing.
func (f *Fleet) Trouble() string {
	worst := well
	for _, g := range f.redis.guards.wanted() {
		if t := g.trouble(); t != well && (worst == well || t < worst) {
			worst = t
		}
	}
	if worst != well {
		return f.words(worst)
	}
	if f.Lease().Held() {
		return ""
	}
	if t := trouble(f.member.trouble.Load()); t != well {
		return f.words(t)
	}
	return "no lease"
}

// words are a trouble in words, with the rights that lack.
func (f *Fleet) words(t trouble) string {
	if t != forbidding {
		return t.String()
	}
	var all []string
	for _, g := range f.redis.guards.wanted() {
		all = append(all, strings.Fields(g.trial.lacks())...)
	}
	if lacks := f.member.lacks.Load(); lacks != nil {
		all = append(all, *lacks)
	}
	if len(all) == 0 {
		return t.String()
	}
	slices.Sort(all)
	return t.String() + ": it lacks " + strings.Join(slices.Compact(all), " ")
}

// watch looks at the servers until ctx ends, and tells the log when there is trouble
// and when it is over.
func (f *Fleet) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	f.redis.tryRights(ctx)
	for told := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		f.redis.guards.look(ctx)
		f.redis.tryRights(ctx)
		f.redis.believeAll(ctx)
		now := f.Trouble()
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
