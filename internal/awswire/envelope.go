package awswire

import (
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Codes that refuse a caller of a signed operation.
const (
	codeNoAuthentication  = "MissingAuthenticationTokenException"
	codeUnknownClient     = "UnrecognizedClientException"
	codeInvalidSignature  = "InvalidSignatureException"
	codeIncompleteSigning = "IncompleteSignatureException"
)

// maxHeaderMessage bounds the copy of a message in a header.
const maxHeaderMessage = 512

// statusOf is the one table from error names to statuses of the JSON protocol: 400 for
// every refusal, whatever its kind (docs/cognito.md#status-codes). A name that is not here
// is no error of this service.
func statusOf(code string) (status int, ok bool) {
	switch code {
	case "ConcurrentModificationException", "DeveloperUserAlreadyRegisteredException",
		"ExternalServiceException", "InvalidIdentityPoolConfigurationException",
		"InvalidParameterException", "LimitExceededException", "NotAuthorizedException",
		"ResourceConflictException", "ResourceNotFoundException", "TooManyRequestsException",
		cognito.CodeValidation, cognito.CodeSerialization, cognito.CodeUnknownOperation,
		cognito.CodeAccessDenied, codeNoAuthentication, codeUnknownClient,
		codeInvalidSignature, codeIncompleteSigning:
		return http.StatusBadRequest, true
	case cognito.CodeTooLarge:
		return http.StatusRequestEntityTooLarge, true
	case cognito.CodeInternal:
		return http.StatusInternalServerError, true
	}
	return 0, false
}

// refuse answers with the service's error in err, or with InternalErrorException: the text
// of any other error is for the log only.
func refuse(id, label string, err error) *Response {
	public := cognito.Public(err)
	status, ok := statusOf(public.ErrorCode())
	if !ok || status == http.StatusInternalServerError {
		public, status = cognito.Public(cognito.Internal()), http.StatusInternalServerError
	}
	r := ErrorResponse(answeredID(id, err), public.ErrorCode(), status, public.ErrorMessage())
	r.Operation, r.Err, r.Headers = label, err, withRetryAfter(r.Headers, err)
	return r
}

// ErrorResponse is an error in the envelope of the JSON protocol, for the edge
// to answer what never reaches Serve. The message must be fit for callers.
func ErrorResponse(requestID, code string, status int, message string) *Response {
	body := appendString([]byte(`{"__type":`), code)
	member := `,"message":`
	if code == cognito.CodeAccessDenied {
		member = `,"Message":` // as the layer before the service spells it
	}
	body = appendString(append(body, member...), message)
	headers := append(common(requestID), Header{Name: headerErrorType, Value: headerSafe(code) + ":"})
	if text := headerSafe(message); text != "" {
		headers = append(headers, Header{Name: headerErrorMessage, Value: text})
	}
	return &Response{
		Status: status, ContentType: contentJSON, Headers: headers, Body: append(body, '}'),
		Operation: unknownOperation, Code: code,
	}
}

// headerSafe makes a header value of a text: one line of printable ASCII,
// bounded.
func headerSafe(text string) string {
	if len(text) > maxHeaderMessage {
		text = text[:maxHeaderMessage]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, text))
}

func refusal(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}
