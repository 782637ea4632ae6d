package cognito

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
)

// Names of errors that the service sends and its model does not list
// (docs/cognito.md#status-codes and #validation).
const (
	CodeValidation       = "ValidationException"
	CodeSerialization    = "SerializationException"
	CodeUnknownOperation = "UnknownOperationException"
	CodeTooLarge         = "RequestEntityTooLargeException"
	CodeAccessDenied     = "AccessDeniedException"
	CodeInternal         = "InternalErrorException"
)

// NotAuthorized is a lasting refusal with the service's text.
func NotAuthorized(message string) error {
	return &types.NotAuthorizedException{Message: aws.String(message)}
}

// ResourceNotFound says that a pool or an identity does not exist.
func ResourceNotFound(message string) error {
	return &types.ResourceNotFoundException{Message: aws.String(message)}
}

// InvalidParameter refuses a value that passed the model's constraints.
func InvalidParameter(message string) error {
	return &types.InvalidParameterException{Message: aws.String(message)}
}

// ResourceConflict says that a login belongs to another identity.
func ResourceConflict(message string) error {
	return &types.ResourceConflictException{Message: aws.String(message)}
}

// InvalidPoolConfiguration says that the pool's roles cannot be assumed.
func InvalidPoolConfiguration(message string) error {
	return &types.InvalidIdentityPoolConfigurationException{Message: aws.String(message)}
}

// TooManyRequests asks the caller to slow down.
func TooManyRequests(message string) error {
	return &types.TooManyRequestsException{Message: aws.String(message)}
}

// ExternalService says that a login provider cannot be asked now.
func ExternalService(message string) error {
	return &types.ExternalServiceException{Message: aws.String(message)}
}

// Internal is a fault of ours; its cause belongs into the log (see WithCause).
func Internal() error {
	return &types.InternalErrorException{Message: aws.String("Internal error.")}
}

// Validation refuses a value that breaks a constraint of the model.
func Validation(message string) error {
	return &smithy.GenericAPIError{Code: CodeValidation, Message: message, Fault: smithy.FaultClient}
}

// Serialization refuses a body that is not the JSON that the operation takes.
func Serialization(message string) error {
	return &smithy.GenericAPIError{Code: CodeSerialization, Message: message, Fault: smithy.FaultClient}
}

// WithCause puts a cause beside an error of the service. Callers see err alone;
// the cause is for the log, through Cause.
func WithCause(err, cause error) error {
	return &caused{err: err, cause: cause}
}

type caused struct {
	err, cause error
	behind     bool // the cause stands behind the broker; see Unavailable
}

func (c *caused) Error() string   { return c.err.Error() }
func (c *caused) Unwrap() []error { return []error{c.err, c.cause} }

// Is lets errors.Is find ErrUnavailable.
func (c *caused) Is(target error) bool { return c.behind && target == ErrUnavailable }

// Cause returns what WithCause put beside an error, or nil.
func Cause(err error) error {
	if c, ok := errors.AsType[*caused](err); ok {
		return c.cause
	}
	return nil
}

// Public returns the error that a caller may see: the service's own error in
// err's chain, or Internal for everything else. Code and message of the result
// are safe to send.
func Public(err error) smithy.APIError {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api
	}
	return Internal().(smithy.APIError) //nolint:errorlint // made here, so nothing wraps it
}

// Passing reports whether err says nothing lasting about the request: the same
// request may succeed later. What is not an error of the service (a deadline, a
// broken connection, a full disk) is passing, for nothing unknown may be told
// as a refusal.
func Passing(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return true
	}
	switch api.ErrorCode() {
	case "TooManyRequestsException", CodeInternal, "ExternalServiceException",
		"LimitExceededException", "ConcurrentModificationException":
		return true
	}
	return api.ErrorFault() == smithy.FaultServer
}

// Disowned reports whether a refusal says that an identity does not exist, or is not,
// or not any more, that of the logins which came with it: whoever kept its id drops
// it. The service has no type for that; SDKs go by the beginning of the text too
// (docs/cognito.md#clients).
func Disowned(err error) bool {
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return true
	}
	refused, ok := errors.AsType[*types.NotAuthorizedException](err)
	return Forbidden(err) || ok && strings.HasPrefix(refused.ErrorMessage(), "Logins don't match")
}

// Forbidden reports whether a refusal says that an identity is disabled, or is a
// user's and came without a login.
func Forbidden(err error) bool {
	refused, ok := errors.AsType[*types.NotAuthorizedException](err)
	return ok && strings.HasPrefix(refused.ErrorMessage(), "Access to Identity")
}

// DeveloperUserAlreadyRegistered says that a backend's user belongs to another
// identity than the one it was sent with.
func DeveloperUserAlreadyRegistered(message string) error {
	return &types.DeveloperUserAlreadyRegisteredException{Message: aws.String(message)}
}

// LimitExceeded says that a quota of the account or pool is used up.
func LimitExceeded(message string) error {
	return &types.LimitExceededException{Message: aws.String(message)}
}
