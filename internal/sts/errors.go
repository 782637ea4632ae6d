package sts

// Codes of STS's errors, as they stand in its answers.
const (
	CodeAccessDenied            = "AccessDenied"
	CodeExpiredToken            = "ExpiredToken"          // of a session
	CodeExpiredIdentityToken    = "ExpiredTokenException" // of a web identity
	CodeIDPCommunicationError   = "IDPCommunicationError"
	CodeIDPRejectedClaim        = "IDPRejectedClaim"
	CodeInvalidClientTokenID    = "InvalidClientTokenId"
	CodeInvalidIdentityToken    = "InvalidIdentityToken"
	CodeMalformedPolicyDocument = "MalformedPolicyDocument"
	CodePackedPolicyTooLarge    = "PackedPolicyTooLarge"
	CodeRegionDisabled          = "RegionDisabledException"
	CodeValidation              = "ValidationError"
)

// Literal messages of STS. None quotes what the caller sent.
const (
	msgNotAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	msgInvalidARN    = "Request ARN is invalid"
	msgInvalidToken  = "The security token included in the request is invalid"
	msgExpiredToken  = "The security token included in the request is expired"
	msgTooLarge      = "Serialized token too large for session"
	msgTooLong       = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	msgPolicyJSON    = "This policy contains invalid Json"
	msgPolicySyntax  = "Syntax errors in policy."
)

// Error is a refusal by STS. Code and Message are safe for callers; the cause,
// which errors.Is and errors.As reach, is for the log. What status a transport
// answers with is the transport's to know.
type Error struct {
	Code    string
	Message string
	// RequestID is the id that a remote STS gave the refused call, for asking its
	// operators; empty for refusals of this package's own.
	RequestID string

	cause error
}

// Error gives code and message, never the cause.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap gives the cause, which may be nil. It holds no secret.
func (e *Error) Unwrap() error { return e.cause }
