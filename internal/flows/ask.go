package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// Outcome says where an answer came from; its text is the X-Cache header.
type Outcome string

// Outcomes of a call that asked the cache.
const (
	Hit   Outcome = "hit"
	Miss  Outcome = "miss"
	Stale Outcome = "stale" // below the floor, for the exchange failed for a passing reason
)

// Ask is what the edge knows of a request beyond its operation's input, and what
// flows found out for it. One Ask belongs to one request and one goroutine; it
// travels in the context because the port's methods are the SDK's.
type Ask struct {
	// Pool is the pool that the request's path names; empty when it names none.
	Pool string
	// Address is the client's, for limits of guests; empty: not known.
	Address string
	// ClientFloor is what the client's class needs, RequestFloor what the
	// request asked for.
	ClientFloor, RequestFloor time.Duration

	// Outcome is empty when the cache was not asked.
	Outcome Outcome
	// RefreshAfter is when the asker should come back.
	RefreshAfter time.Time
	// Guard says how long the answer may be repeated for the same request bytes;
	// nil means that it may not.
	Guard *cache.MemoCondition
}

type askKey struct{}

// WithAsk puts ask into the context of the request that it belongs to.
func WithAsk(ctx context.Context, ask *Ask) context.Context {
	return context.WithValue(ctx, askKey{}, ask)
}

// askOf returns the request's Ask; a call without one gets an empty one.
func askOf(ctx context.Context) *Ask {
	if ask, ok := ctx.Value(askKey{}).(*Ask); ok {
		return ask
	}
	return new(Ask)
}
