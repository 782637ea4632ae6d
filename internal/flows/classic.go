package flows

import (
	"errors"
	"time"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// Classic is what an app chooses for itself in the classic flow.
type Classic struct {
	RoleARN     string
	SessionName string        // empty: DefaultSessionName
	Duration    time.Duration // zero: an hour
}

// DefaultSessionName names sessions whose client did not care, as the JavaScript
// SDK does.
const DefaultSessionName = "web-identity"

// stsError makes an error of the service of a refusal by STS: same code, same
// text. What is no refusal is a passing fault.
func stsError(err error) error {
	refused, ok := errors.AsType[*sts.Error](err)
	if !ok {
		return cognito.STSFault(err)
	}
	return &stsRefusal{
		GenericAPIError: smithy.GenericAPIError{Code: refused.Code, Message: refused.Message, Fault: smithy.FaultClient},
		cause:           err,
	}
}

type stsRefusal struct {
	smithy.GenericAPIError
	cause error
}

func (r *stsRefusal) Unwrap() error { return r.cause }
