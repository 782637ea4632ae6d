package redisconn

import (
	"context"
	"slices"
	"strings"
	"time"
)

// ProbeEvery is how often the servers are probed.
const ProbeEvery = 500 * time.Millisecond

// Stats are figures of the connections to the servers in use.
type Stats struct {
	// ReadBreakersOpen are the servers that are asked nothing for they do not answer,
	// WriteBreakersOpen those that are asked for no writes.
	ReadBreakersOpen, WriteBreakersOpen int
	// Connections to the servers; how often one was waited for, and in vain.
	Connections, Waits, Timeouts int
}

// Stats tells how the connections stand now.
func (c Client) Stats() Stats {
	var s Stats
	for _, g := range c.hooks.inUse() {
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

// ProbeAll probes all servers in use: whether they answer, which rights the broker's user has
// there, and whether their replicas follow.
func (c Client) ProbeAll(ctx context.Context) {
	c.hooks.ping(ctx)
	c.CheckRights(ctx)
	c.renewMasterLeases(ctx)
}

// Health is what is wrong with the servers in use, in a few words without names or
// addresses; empty: nothing. session is how the broker's own session ended last, which is
// taken into account where it has none now.
func (c Client) Health(session error) string {
	worst := healthy
	for _, g := range c.hooks.inUse() {
		if h := g.health(); h != healthy && (worst == healthy || h < worst) {
			worst = h
		}
	}
	if worst == healthy {
		worst = healthOf(session)
	}
	switch worst {
	case healthy:
		return ""
	case forbidding:
		return worst.String() + c.missingText(session)
	}
	return worst.String()
}

// missingText names the rights that the broker's user lacks, as far as is known.
func (c Client) missingText(session error) string {
	var all []string
	for _, g := range c.hooks.inUse() {
		all = append(all, strings.Fields(g.rightsCheck.missingRules())...)
	}
	if missing := missingRule("", session); missing != "" {
		all = append(all, missing)
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return ": it lacks " + strings.Join(slices.Compact(all), " ")
}
