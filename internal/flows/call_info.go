package flows

import (
	"context"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/logins"
)

// Outcome says where an answer came from; its text is the X-Cache header.
type Outcome string

// Outcomes of a call that asked the cache.
const (
	Hit   Outcome = "hit"
	Miss  Outcome = "miss"
	Stale Outcome = "stale" // below the floor, for the exchange failed for a passing reason
)

// CallInfo is what the edge knows of a request beyond its operation's input, and what
// flows found out for it. One CallInfo belongs to one request and one goroutine; it
// travels in the context because the port's methods are the SDK's.
type CallInfo struct {
	// Pool is the pool that the request's path names; empty when it names none.
	Pool string
	// Address is the client's, for limits of guests and of new tokens; empty: not known.
	Address string
	// ClientFloor is what the client's class needs, RequestFloor what the
	// request asked for.
	ClientFloor, RequestFloor time.Duration

	// Outcome is empty when the cache was not asked.
	Outcome Outcome
	// RefreshAfter is when the client should come back.
	RefreshAfter time.Time
	// Condition says how long the answer may be repeated for the same request bytes;
	// nil means that it may not.
	Condition *cache.MemoCondition
}

type callInfoKey struct{}

// WithCallInfo puts info into the context of the request that it belongs to. Its Address is also
// the one by which whoever proves the request's logins counts their tokens; what it is then, it is for
// all that is done for the request.
func WithCallInfo(ctx context.Context, info *CallInfo) context.Context {
	return logins.WithAddress(context.WithValue(ctx, callInfoKey{}, info), info.Address)
}

// callInfoOf returns the request's CallInfo; a call without one gets an empty one.
func callInfoOf(ctx context.Context) *CallInfo {
	if info, ok := ctx.Value(callInfoKey{}).(*CallInfo); ok {
		return info
	}
	return new(CallInfo)
}
