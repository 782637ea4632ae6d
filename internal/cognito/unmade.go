package cognito

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/sts"
)

// Unmade reports whether a change that failed with err was surely not made, and will
// not be: the backend refused it before it changed anything, or no request reached it.
// Whatever is not known to say so is not: no answer, a fault of the service, a refusal
// that Unsettled marks, one that may follow a change of the same call
// (InvalidIdentityPoolConfigurationException, a fault of STS).
// Of nil it is false.
func Unmade(err error) bool {
	if mark, ok := errors.AsType[*marked](err); ok {
		return mark.unsent
	}
	return RefusedAtOnce(err)
}

// RefusedAtOnce reports whether the last request of a call that failed with err was refused
// before it changed anything. Of requests before it, which Unsettled marks, it says nothing.
// Of nil it is false.
func RefusedAtOnce(err error) bool {
	if _, ok := errors.AsType[*sts.Fault](err); ok {
		return false // STS is asked when the rest of a call is done
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && refusesAtOnce[api.ErrorCode()]
}

// refusesAtOnce are the errors of the service that it sends instead of a change.
var refusesAtOnce = map[string]bool{
	"ConcurrentModificationException":         true,
	"DeveloperUserAlreadyRegisteredException": true,
	"ExternalServiceException":                true, // a login provider could not be asked, which comes first
	"InvalidParameterException":               true,
	"LimitExceededException":                  true,
	"NotAuthorizedException":                  true,
	"ResourceConflictException":               true,
	"ResourceNotFoundException":               true,
	"TooManyRequestsException":                true,
	CodeAccessDenied:                          true,
	CodeSerialization:                         true,
	CodeTooLarge:                              true,
	CodeUnknownOperation:                      true,
	CodeValidation:                            true,
}

// Unsettled marks the error of a call of which an earlier request may have arrived
// without being answered: whatever the last one was told, the change may have been made.
// Of nil it is nil.
func Unsettled(err error) error { return mark(err, false) }

// Unsent marks the error of a call of which no request reached whoever makes changes.
// Of nil it is nil.
func Unsent(err error) error { return mark(err, true) }

func mark(err error, unsent bool) error {
	if err == nil {
		return nil
	}
	return &marked{err, unsent}
}

// marked is an error with what is known of the requests of its call.
type marked struct {
	error
	unsent bool
}

func (m *marked) Unwrap() error { return m.error }
