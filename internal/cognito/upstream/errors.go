package upstream

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Causes of passing faults.
var (
	errUnreadable = errors.New("the answer is not one of the service")
	errIncomplete = errors.New("the answer lacks a member that it must have")
)

// answered ties an error to the operation that failed and to the id under which
// upstream knows the request.
type answered struct {
	operation, requestID string
	err                  error
}

func (a *answered) Error() string {
	if a.requestID == "" {
		return fmt.Sprintf("ask upstream %s: %v", a.operation, a.err)
	}
	return fmt.Sprintf("ask upstream %s (request %s): %v", a.operation, a.requestID, a.err)
}

func (a *answered) Unwrap() error { return a.err }

// Is lets errors.Is find cognito.ErrUnavailable: a fault of the service's own is
// none of ours.
func (a *answered) Is(target error) bool {
	return target == cognito.ErrUnavailable && cognito.Public(a.err).ErrorCode() == cognito.CodeInternal
}

// ServiceRequestID is upstream's id of the request, empty when it gave none.
func (a *answered) ServiceRequestID() string { return a.requestID }

// explain turns the SDK's error into the port's: a refusal of the service with
// its type, message and request id, or a passing fault whose cause is for the
// log. What the SDK's error carries besides (bodies, headers) is left behind.
func (c call) explain(err error) error {
	id := requestID(err)
	if own, ok := errors.AsType[*credentialsError](err); ok {
		return c.fault("", own) // an id in err is another service's
	}
	if invalid, ok := errors.AsType[smithy.InvalidParamsError](err); ok {
		return cognito.Validation(invalid.Error())
	}
	status := statusOf(err)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return c.answer(id, status, api)
	}
	if status == 429 {
		return c.throttled(id, errUnreadable)
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return c.fault(id, fmt.Errorf("%w (status %d)", errUnreadable, status))
	}
	if broken, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return c.fault(id, broken.Err)
	}
	return c.fault(id, err)
}

// answer explains an answer that names an error. Only what the service has, with
// the status of a refusal, is one: our signature and whatever stands between are
// no business of the caller.
func (c call) answer(id string, status int, api smithy.APIError) error {
	code := api.ErrorCode()
	refusal := refusalOf(code, scrub(api.ErrorMessage(), c.logins))
	// Without the message: that of a broken signature repeats what was signed,
	// the broker's session token among it.
	cause := fmt.Errorf("status %d, %s", status, scrub(code, c.logins))
	_, throttles := retry.DefaultThrottleErrorCodes[code]
	switch {
	case refusal == nil && (throttles || status == 429):
		return c.throttled(id, cause)
	case refusal == nil || (status/100 != 4 && !cognito.Passing(refusal)):
		return c.fault(id, cause)
	}
	return &answered{c.operation, id, refusal}
}

// refusalOf makes the error of the service that has this code, or nil.
func refusalOf(code, message string) error {
	switch code {
	case "NotAuthorizedException":
		return cognito.NotAuthorized(message)
	case "ResourceNotFoundException":
		return cognito.ResourceNotFound(message)
	case "InvalidParameterException":
		return cognito.InvalidParameter(message)
	case "ResourceConflictException":
		return cognito.ResourceConflict(message)
	case "InvalidIdentityPoolConfigurationException":
		return cognito.InvalidPoolConfiguration(message)
	case "TooManyRequestsException":
		return cognito.TooManyRequests(message)
	case "ExternalServiceException":
		return cognito.ExternalService(message)
	case "LimitExceededException":
		return &types.LimitExceededException{Message: aws.String(message)}
	case "ConcurrentModificationException":
		return &types.ConcurrentModificationException{Message: aws.String(message)}
	case "DeveloperUserAlreadyRegisteredException":
		return &types.DeveloperUserAlreadyRegisteredException{Message: aws.String(message)}
	case cognito.CodeInternal:
		return &types.InternalErrorException{Message: aws.String(message)}
	case cognito.CodeValidation, cognito.CodeAccessDenied, cognito.CodeUnknownOperation, cognito.CodeTooLarge:
		return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
	}
	return nil
}

// fault is passing: nothing is known about the request.
func (c call) fault(id string, cause error) error {
	return cognito.Unavailable(&answered{c.operation, id, cause})
}

// throttled is a throttle that does not bear the service's name for it.
func (c call) throttled(id string, cause error) error {
	return cognito.WithCause(cognito.TooManyRequests(cognito.MsgRateExceeded), &answered{c.operation, id, cause})
}

// maxRequestID bounds what upstream may call a request.
const maxRequestID = 128

func requestID(err error) string {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || len(answer.RequestID) > maxRequestID {
		return ""
	}
	return answer.RequestID
}
