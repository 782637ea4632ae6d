package upstream

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// errTooLate ends retries that the call's deadline leaves no time for.
var errTooLate = errors.New("the next attempt would begin after the deadline")

// attempts is the SDK's standard retryer for one call: it knows what the call
// does and waits for nothing beyond its deadline. It belongs to one goroutine.
type attempts struct {
	aws.RetryerV2
	// once: a second request after one that may have arrived would do the thing
	// twice, or be refused because the first did it.
	once    bool
	backoff func(attempt int) time.Duration

	failed int           // attempts that may be repeated
	delay  time.Duration // before the next
	last   error         // the last failure that was not the end of the context
}

// IsErrorRetryable is asked about every failed attempt.
func (a *attempts) IsErrorRetryable(err error) bool {
	if !ended(err) {
		a.last = err
	}
	return a.RetryerV2.IsErrorRetryable(err) && (!a.once || undone(err))
}

// GetRetryToken refuses a retry that could not begin in time, so that the
// failure at hand is returned, not the end of a wait for nothing.
func (a *attempts) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	a.failed++
	if a.backoff != nil {
		a.delay = a.backoff(a.failed)
	} else {
		delay, backoffErr := a.RetryerV2.RetryDelay(a.failed, err)
		if backoffErr != nil {
			return nil, backoffErr
		}
		a.delay = delay
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait(a.delay, err) {
		return nil, errTooLate
	}
	return a.RetryerV2.GetRetryToken(ctx, err)
}

// RetryDelay returns the delay that GetRetryToken was granted for.
func (a *attempts) RetryDelay(int, error) (time.Duration, error) { return a.delay, nil }

// wait is how long the SDK will wait: the delay, or up to five seconds more
// where upstream asks for it.
func wait(delay time.Duration, err error) time.Duration {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil || answer.Response.Response == nil {
		return delay
	}
	asked, err := strconv.ParseInt(answer.Response.Header.Get("X-Amz-Retry-After"), 10, 64)
	if err != nil {
		return delay
	}
	return min(max(delay, time.Duration(asked)*time.Millisecond), delay+5*time.Second)
}

// ended reports whether err is the end of a context.
func ended(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// undone reports whether a failed request surely changed nothing: no connection
// came about, or upstream refused it.
func undone(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	return statusOf(err)/100 == 4
}

// statusOf is the HTTP status of upstream's answer, or 0.
func statusOf(err error) int {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.Response != nil && answer.Response.Response != nil {
		return answer.HTTPStatusCode()
	}
	return 0
}
