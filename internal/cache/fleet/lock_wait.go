package fleet

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// flight names the lock of a flight.
func (n names) lock(flight cache.Flight) string {
	scopes, epochs := flight.Stamp.Shared()
	fields := []string{string(flight.Key[:])}
	if flight.Fences {
		epochs = nil
	}
	for _, epoch := range epochs {
		fields = append(fields, string(epoch[:]))
	}
	return n.named("f", scopes[0], n.digest.Key("flight", fields...))
}

// failure names how the flight failed that the token's owner led.
func (n names) failure(flight cache.Flight, token string) string {
	scopes, _ := flight.Stamp.Shared()
	return n.named("o", scopes[0], n.digest.Key("failure", token))
}

// The pauses of Await between two looks grow from the first to the last.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// Await waits until a lock holder's lock has ended, or the flight's stamp no longer
// stands, and returns how the flight failed, if its lock holder left that. It fails with
// cache.ErrFleet, or with ctx.
func (f *Fleet) Await(ctx context.Context, flight cache.Flight, leader cache.LockHolder) (*cache.Failure, error) {
	look := []string{f.names.lock(flight), f.names.failure(flight, string(leader))}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
		values, err := f.reader.get(ctx, look) // the lock first: who ends it leaves the failure in one step
		if end, ends := ctx.Deadline(); err != nil && ends && !time.Now().Before(end) {
			return nil, context.DeadlineExceeded // a connection sees it as a time-out of its own
		}
		if err != nil {
			return nil, unavailable("wait for a flight", err)
		}
		if values[0] == string(leader) && (flight.Fences || flight.Stamp.Stands()) {
			continue
		}
		return f.openFailure(look[1], values[1]), nil
	}
}
