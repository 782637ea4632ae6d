package httpapi

import (
	"slices"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/sts"
)

// edgeError is a refusal that only the edge knows.
func edgeError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}

// Codes of the service's refusals.
const (
	codeInvalidParameter = "InvalidParameterException"
	codeNotFound         = "ResourceNotFoundException"
	codeNotAuthorized    = "NotAuthorizedException"
	codeConflict         = "ResourceConflictException"
	codeRegistered       = "DeveloperUserAlreadyRegisteredException"
	codeConcurrent       = "ConcurrentModificationException"
	codeLimitExceeded    = "LimitExceededException"
	codeConfiguration    = "InvalidIdentityPoolConfigurationException"
	codeTooMany          = "TooManyRequestsException"
	codeExternal         = "ExternalServiceException"
)

// errors are the codes of a route's refusals, in order, beside those of all routes and of
// all routes for callers.
func (r *route) errors() []string {
	codes := slices.Clone(r.refusals)
	for _, operation := range r.calls {
		codes = append(codes, operationErrors(operation)...)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// assumeRole is STS's operation behind the classic flow.
const assumeRole = "AssumeRoleWithWebIdentity"

// operationErrors are the errors that the service's model (version 2014-06-30) lists for
// an operation, without those of all operations.
func operationErrors(operation string) []string {
	switch operation {
	case "CreateIdentityPool":
		return []string{codeNotAuthorized, codeConflict, codeLimitExceeded}
	case "UpdateIdentityPool":
		return []string{codeNotFound, codeNotAuthorized, codeConflict, codeConcurrent, codeLimitExceeded}
	case "SetIdentityPoolRoles":
		return []string{codeNotFound, codeNotAuthorized, codeConflict, codeConcurrent}
	case "GetId":
		return []string{codeNotFound, codeNotAuthorized, codeConflict, codeLimitExceeded, codeExternal}
	case "GetCredentialsForIdentity":
		return []string{codeNotFound, codeNotAuthorized, codeConflict, codeConfiguration, codeExternal}
	case "GetOpenIdToken", "UnlinkIdentity":
		return []string{codeNotFound, codeNotAuthorized, codeConflict, codeExternal}
	case "GetOpenIdTokenForDeveloperIdentity":
		return []string{codeNotFound, codeNotAuthorized, codeConflict, codeRegistered}
	case "GetIdentityPoolRoles", "LookupDeveloperIdentity", "MergeDeveloperIdentities", "UnlinkDeveloperIdentity":
		return []string{codeNotFound, codeNotAuthorized, codeConflict}
	case "DeleteIdentities":
		return nil
	case assumeRole:
		return []string{
			sts.CodeValidation, sts.CodeMalformedPolicyDocument, sts.CodePackedPolicyTooLarge,
			sts.CodeInvalidIdentityToken, sts.CodeExpiredIdentityToken, sts.CodeAccessDenied,
			sts.CodeIDPRejectedClaim, sts.CodeRegionDisabled,
		}
	}
	return []string{codeNotFound, codeNotAuthorized} // the others
}
