package cognito

import (
	"errors"

	"github.com/cognito-broker/broker/internal/sts"
)

// ErrUnavailable marks, by errors.Is, a fault of what stands behind: real Cognito
// or STS could not be asked, or gave no usable answer. It is not ours, and passes.
var ErrUnavailable = errors.New("what stands behind gives no answer")

// Unavailable is Internal for such a fault; its cause belongs into the log.
func Unavailable(cause error) error {
	return &caused{err: Internal(), cause: cause, behind: true}
}

// STSFault makes a passing error of the service of a fault of STS. An error that
// is none it returns as it is.
func STSFault(err error) error {
	fault, ok := errors.AsType[*sts.Fault](err)
	switch {
	case !ok:
		return err
	case fault.Throttled:
		return WithCause(TooManyRequests(MsgRateExceeded), err)
	}
	return Unavailable(err)
}
