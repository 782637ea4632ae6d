package upstream

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cognito-broker/broker/internal/cognito"
)

// errTooLate ends retries that the call's deadline leaves no time for.
var errTooLate = errors.New("the next attempt would begin after the deadline")

// attempts is the SDK's standard retryer for one call: it knows what the call
// does and waits for nothing beyond its deadline. It belongs to one goroutine.
type attempts struct {
	aws.RetryerV2
	// once: a second request after one that may have arrived would do the thing
	// twice, or be refused because the first did it.
	once bool
	// single: what the service answered is final (cognito.WithoutRetries).
	single  bool
	backoff func(attempt int) time.Duration

	failed int           // attempts that may be repeated
	delay  time.Duration // before the next
	last   error         // the last failure that was not the end of the context

	begun, undone int // attempts, and those that surely changed nothing
}

// GetAttemptToken counts the attempts.
func (a *attempts) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	release, err := a.RetryerV2.GetAttemptToken(ctx)
	if err == nil {
		a.begun++
	}
	return release, err
}

// IsErrorRetryable is asked about every failed attempt.
func (a *attempts) IsErrorRetryable(err error) bool {
	if !ended(err) {
		a.last = err
	}
	if unmade(err) {
		a.undone++
	}
	if _, answered := errors.AsType[smithy.APIError](err); a.single && answered {
		return false
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

// settle tells, of the explained failure of the call, what cognito.Unmade asks: an
// attempt that may have arrived makes the outcome unknown, whatever the last was told.
func (a *attempts) settle(err error) error {
	switch {
	case a.begun > a.undone:
		return cognito.Unsettled(err)
	case a.begun > 0:
		return cognito.Unsent(err)
	}
	return err
}

// unmade reports whether a failed attempt surely changed nothing, whoever answered:
// it did not leave, or the service refused it before it did anything. It believes less
// than undone does: a gateway's page says nothing of what stands behind it.
func unmade(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*credentialsError](err); ok {
		return true
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || statusOf(err)/100 != 4 {
		return false
	}
	return turnsAway[api.ErrorCode()] || cognito.Unmade(refusalOf(api.ErrorCode(), ""))
}

// turnsAway are AWS's errors that come before a request is looked at: throttles, and
// those about who sent it.
var turnsAway = map[string]bool{
	"Throttling": true, "ThrottlingException": true, "ThrottledException": true, "RequestThrottledException": true,
	"RequestThrottled": true, "RequestLimitExceeded": true, "SlowDown": true,
	"ExpiredTokenException": true, "IncompleteSignatureException": true, "InvalidClientTokenId": true,
	"InvalidSignatureException": true, "MissingAuthenticationTokenException": true,
	"SignatureDoesNotMatch": true, "UnrecognizedClientException": true,
}

// statusOf is the HTTP status of upstream's answer, or 0.
func statusOf(err error) int {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.Response != nil &&
		answer.Response.Response != nil {
		return answer.HTTPStatusCode()
	}
	return 0
}
