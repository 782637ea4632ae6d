package embedded

import (
	"math"
	"time"

	"golang.org/x/time/rate"

	"github.com/cognito-broker/broker/internal/cognito"
)

// throttle refuses calls beyond a rate, by operation, as the service's quotas do
// (docs/cognito.md#quotas). A second's worth may come at once.
type throttle map[string]*rate.Limiter

func newThrottle(limits map[string]float64) throttle {
	t := make(throttle, len(limits))
	for operation, perSecond := range limits {
		t[operation] = rate.NewLimiter(rate.Limit(perSecond), max(1, int(math.Ceil(perSecond))))
	}
	return t
}

// ready is take without taking.
func (t throttle) ready(operation string, now time.Time) error {
	if l := t[operation]; l != nil && l.TokensAt(now) < 1 {
		return cognito.TooManyRequests(cognito.MsgRateExceeded)
	}
	return nil
}

func (t throttle) take(operation string, now time.Time) error {
	if l := t[operation]; l != nil && !l.AllowN(now, 1) {
		return cognito.TooManyRequests(cognito.MsgRateExceeded)
	}
	return nil
}
