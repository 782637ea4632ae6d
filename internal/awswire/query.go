package awswire

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// The version of the STS API, and the actions that are served here.
const (
	stsVersion           = "2011-06-15"
	actionAssume         = "AssumeRoleWithWebIdentity"
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
	codeThrottling      = "Throttling"
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

// query answers a request of the Query protocol. The action is looked up before the
// signature is verified.
func (s *Server) query(ctx context.Context, id string, r *Request, raw string) *Response {
	label := unknownOperation
	result, err := s.act(ctx, r, raw, &label)
	if err != nil {
		return refuseQuery(id, label, err)
	}
	return &Response{
		Status: http.StatusOK, ContentType: contentXML, Headers: common(id),
		Body: xmlBody(queryResponse{
			XMLName: xml.Name{Local: label + "Response"}, Namespace: stsNamespace, Result: result, RequestID: id,
		}),
		Operation: label,
	}
}

// act returns the result of the action that a request names. The label becomes
// the action's name once it is known.
func (s *Server) act(ctx context.Context, r *Request, raw string, label *string) (any, error) {
	form, problem := parseForm(raw)
	switch {
	case problem == "" && r.Method == http.MethodPost && r.RawQuery != "":
		problem = "Parameters must be in the body alone."
	case problem == "" && r.Method == http.MethodGet && len(r.Body) > 0:
		problem = "A GET request must have no body."
	}
	if problem != "" {
		return nil, &sts.Error{Code: codeMalformedQuery, Message: problem}
	}
	action, err := s.action(r.Method, form)
	if err != nil {
		return nil, err
	}
	*label = action
	if action == actionAssume {
		return s.assume(ctx, form)
	}
	return s.callerIdentity(r)
}

// action finds the action that a form names. AssumeRoleWithWebIdentity is served by POST
// only: a token in a URL would get into logs.
func (s *Server) action(method string, form map[string]string) (string, error) {
	action, version := form["Action"], form["Version"]
	if action == "" {
		return "", &sts.Error{Code: codeMissingAction, Message: "The request has no Action."}
	}
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	served := action == actionCallerIdentity ||
		action == actionAssume && s.sts != nil && method == http.MethodPost
	if !served || version != stsVersion {
		return "", &sts.Error{Code: codeInvalidAction,
			Message: fmt.Sprintf("Could not find operation %.64s for version %.64s", action, version)}
	}
	return action, nil
}

// refuseQuery answers with STS's error in err, with Throttling where the STS
// behind throttles, or with InternalFailure for all else.
func refuseQuery(id, label string, err error) *Response {
	id = answeredID(id, err)
	detail := errorDetail{Type: "Receiver", Code: codeInternalFailure, Message: "Internal error."}
	status := http.StatusInternalServerError
	if public, ok := errors.AsType[*sts.Error](err); ok {
		if known, ok := stsStatus(public.Code); ok {
			status = known
			detail = errorDetail{Type: "Sender", Code: public.Code, Message: public.Message}
			err = cognito.WithCause(refusal(public.Code, public.Message), errors.Unwrap(public))
		}
	}
	if fault, ok := errors.AsType[*sts.Fault](err); ok && fault.Throttled {
		status = http.StatusBadRequest
		detail = errorDetail{Type: "Sender", Code: codeThrottling, Message: cognito.MsgRateExceeded}
	}
	return &Response{
		Status: status, ContentType: contentXML, Headers: withRetryAfter(common(id), err),
		Body:      xmlBody(errorResponse{Namespace: stsNamespace, Error: detail, RequestID: id}),
		Operation: label, Code: detail.Code, Err: err,
	}
}
