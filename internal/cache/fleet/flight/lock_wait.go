package flight

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// The pauses of Await between two reads grow from the first to the last.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// Await waits until the holder's lock has ended, or the flight's stamp no longer stands, and
// returns how the flight failed, if the holder left that. It fails with cache.ErrFleet, or with
// ctx.
func (l *Locks) Await(ctx context.Context, flight cache.Flight, holder cache.LockHolder) (*cache.Failure, error) {
	look := []string{l.codec.Names.Lock(flight), l.codec.Names.Failure(flight, string(holder))}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
		values, err := l.reader.Get(ctx, look) // the lock first: its release leaves the failure in one step
		if end, ends := ctx.Deadline(); err != nil && ends && !time.Now().Before(end) {
			return nil, context.DeadlineExceeded // which a connection reports as a time-out of its own
		}
		if err != nil {
			return nil, redisconn.Unavailable("wait for a flight", err)
		}
		if values[0] == string(holder) && (flight.Fences || flight.Stamp.Stands()) {
			continue
		}
		return l.openFailure(look[1], values[1]), nil
	}
}
