package awswire

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// The version of the STS API, and the one action that it serves here.
const (
	stsVersion           = "2011-06-15"
	actionCallerIdentity = "GetCallerIdentity"
)

// Codes of the Query protocol itself; those of STS's own are in package sts.
const (
	codeInvalidAction   = "InvalidAction"
	codeMissingAction   = "MissingAction"
	codeMalformedQuery  = "MalformedQueryString"
	codeMissingToken    = "MissingAuthenticationToken"
	codeIncomplete      = "IncompleteSignature"
	codeNoMatch         = "SignatureDoesNotMatch"
	codeInternalFailure = "InternalFailure"
)

// stsStatus is the one table from codes to statuses of the Query protocol. What
// is not in it is no refusal of STS.
func stsStatus(code string) (status int, ok bool) {
	switch code {
	case codeInvalidAction, codeMissingAction, codeIncomplete,
		sts.CodeExpiredIdentityToken, sts.CodeIDPCommunicationError, sts.CodeInvalidIdentityToken,
		sts.CodeMalformedPolicyDocument, sts.CodePackedPolicyTooLarge, sts.CodeValidation:
		return http.StatusBadRequest, true
	case codeMissingToken, codeNoMatch, sts.CodeAccessDenied, sts.CodeExpiredToken,
		sts.CodeInvalidClientTokenID, sts.CodeIDPRejectedClaim, sts.CodeRegionDisabled:
		return http.StatusForbidden, true
	case codeMalformedQuery: // as AWS documents it
		return http.StatusNotFound, true
	}
	return 0, false
}

// query answers a request of the Query protocol. The action is looked up before
// the signature is: nobody needs to sign what nobody answers.
func (s *Server) query(id string, r *Request, raw string) *Response {
	label := unknownOperation
	result, err := s.action(r, raw, &label)
	if err != nil {
		return refuseQuery(id, label, err)
	}
	return &Response{
		Status: http.StatusOK, ContentType: contentXML, Headers: common(id),
		Body:      xmlBody(callerIdentityResponse{Namespace: stsNamespace, Result: result, RequestID: id}),
		Operation: label,
	}
}

func (s *Server) action(r *Request, raw string, label *string) (callerIdentity, error) {
	form, problem := parseForm(raw)
	switch {
	case problem == "" && r.Method == http.MethodPost && r.RawQuery != "":
		problem = "Parameters must be in the body alone."
	case problem == "" && r.Method == http.MethodGet && len(r.Body) > 0:
		problem = "A GET request must have no body."
	}
	if problem != "" {
		return callerIdentity{}, &sts.Error{Code: codeMalformedQuery, Message: problem}
	}
	action, version := form["Action"], form["Version"]
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	switch {
	case action == "":
		return callerIdentity{}, &sts.Error{Code: codeMissingAction, Message: "The request has no Action."}
	case action != actionCallerIdentity || version != stsVersion:
		return callerIdentity{}, &sts.Error{Code: codeInvalidAction,
			Message: fmt.Sprintf("Could not find operation %.64s for version %.64s", action, version)}
	}
	*label = actionCallerIdentity
	session, err := s.session(r)
	if err != nil {
		return callerIdentity{}, err
	}
	return callerIdentity{ARN: session.AssumedRoleARN, UserID: session.AssumedRoleID, Account: session.Account}, nil
}

// refuseQuery answers with STS's error in err, or InternalFailure for all else.
func refuseQuery(id, label string, err error) *Response {
	detail := errorDetail{Type: "Receiver", Code: codeInternalFailure, Message: "Internal error."}
	status := http.StatusInternalServerError
	if public, ok := errors.AsType[*sts.Error](err); ok {
		if known, ok := stsStatus(public.Code); ok {
			status = known
			detail = errorDetail{Type: "Sender", Code: public.Code, Message: public.Message}
			err = cognito.WithCause(refusal(public.Code, public.Message), errors.Unwrap(public))
		}
	}
	return &Response{
		Status: status, ContentType: contentXML, Headers: common(id),
		Body:      xmlBody(errorResponse{Namespace: stsNamespace, Error: detail, RequestID: id}),
		Operation: label, Code: detail.Code, Err: err,
	}
}
