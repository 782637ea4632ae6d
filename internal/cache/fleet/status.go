package fleet

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Status is how a broker's share in the fleet stands.
type Status struct {
	// Lease is how long the broker may serve from memory; zero: not at all.
	Lease time.Duration
	// ReadBreakersOpen are the servers that are asked nothing for they do not answer,
	// WriteBreakersOpen those that are asked for no writes.
	ReadBreakersOpen, WriteBreakersOpen int
	// Connections to the servers; how often one was waited for, and in vain.
	Connections, Waits, Timeouts int
	// MastersReplaced is how often a master was replaced, or started again.
	MastersReplaced int
}

// Status tells how the share stands now.
func (f *Fleet) Status() Status {
	s := f.redis.Stats()
	return Status{
		max(0, f.Lease().Left()), s.ReadBreakersOpen, s.WriteBreakersOpen, s.Connections, s.Waits, s.Timeouts,
		f.redis.MastersReplaced(),
	}
}

// Health is what is wrong with the shared cache, in a few words without names or
// addresses; empty: nothing.
func (f *Fleet) Health() string {
	held := f.Lease().Held()
	var session error
	if !held {
		session = f.SessionError()
	}
	if h := f.redis.Health(session); h != "" || held {
		return h
	}
	return "no lease"
}

// watchHealth looks at the servers until ctx ends, and tells the log what changed.
func (f *Fleet) watchHealth(ctx context.Context) {
	ticker := time.NewTicker(redisconn.ProbeEvery)
	defer ticker.Stop()
	f.redis.CheckRights(ctx)
	var told changes
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		f.redis.ProbeAll(ctx)
		now := f.Health()
		if now != "" {
			f.redis.Reload(ctx) // a cluster may have others in its place
		}
		if ctx.Err() == nil {
			told.tell(f, now)
		}
	}
}
