package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// problem is an RFC 9457 answer.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	RequestID string `json:"requestId"`
}

// Codes of the edge itself.
const (
	codeNoRoute     = "NoSuchRoute"
	codeMethod      = "MethodNotAllowed"
	codeContentType = "UnsupportedMediaType"
	codeHeaders     = "RequestHeaderFieldsTooLarge"
	codeBadRequest  = "BadRequest"
	codeTimeout     = "RequestTimeout"
	codeBusy        = "ServiceUnavailable"
	codeHost        = "MisdirectedRequest"

	codeNotImplemented = "NotImplemented"
)

// retryAfter is the seconds that 429 and 503 answers ask callers to wait.
const retryAfter = "1"

// statusOf is the one table from error names to REST statuses.
func statusOf(code string) int {
	switch code {
	case cognito.CodeValidation, codeInvalidParameter, cognito.CodeSerialization,
		sts.CodeValidation, sts.CodeMalformedPolicyDocument, sts.CodePackedPolicyTooLarge,
		sts.CodeInvalidIdentityToken, sts.CodeExpiredIdentityToken:
		return http.StatusBadRequest
	case codeNoAuthentication, codeUnknownClient, codeInvalidSignature, codeIncompleteSigning:
		return http.StatusUnauthorized
	case codeNotAuthorized, cognito.CodeAccessDenied,
		sts.CodeAccessDenied, sts.CodeIDPRejectedClaim, sts.CodeRegionDisabled:
		return http.StatusForbidden
	case codeNotFound, codeNoRoute:
		return http.StatusNotFound
	case codeConflict, codeRegistered,
		codeConcurrent, codeLimitExceeded:
		return http.StatusConflict
	case cognito.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeContentType:
		return http.StatusUnsupportedMediaType
	case codeConfiguration:
		return http.StatusUnprocessableEntity
	case codeTooMany:
		return http.StatusTooManyRequests
	case codeExternal:
		return http.StatusBadGateway
	case codeMethod:
		return http.StatusMethodNotAllowed
	case codeNotImplemented:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}

// refuse answers a REST request with err as a problem. An internal error becomes 503,
// which clients may retry, where the time was up or the backend gave no answer.
func refuse(c *fiber.Ctx, requestID string, err error) (status int, code string) {
	public := cognito.Public(err)
	status = statusOf(public.ErrorCode())
	late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cognito.ErrUnavailable)
	if late && status == http.StatusInternalServerError {
		status = http.StatusServiceUnavailable
	}
	sendProblem(c, requestID, status, public.ErrorCode(), public.ErrorMessage())
	if often, ok := errors.AsType[*callers.TooOften](err); ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(often.Seconds()))
	} else if limited, ok := errors.AsType[*cache.Limited](err); ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(limited.Seconds()))
	}
	return status, public.ErrorCode()
}

func sendProblem(c *fiber.Ctx, requestID string, status int, code, detail string) {
	body, err := json.Marshal(problem{
		Type:  "urn:cognito-broker:problem:" + code,
		Title: http.StatusText(status), Status: status, Detail: detail, Code: code, RequestID: requestID,
	})
	if err != nil { // strings and a number always encode
		status, body = http.StatusInternalServerError, nil
	}
	restHeaders(c, requestID)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, retryAfter)
	}
	if status == http.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	c.Status(status).Set(fiber.HeaderContentType, "application/problem+json")
	c.Response().SetBodyRaw(body)
}

const (
	headerRequestID = "X-Request-Id"
	noStore         = "no-store"
	restExpose      = "X-Cache,X-Request-Id,Retry-After,Date"
)

// restHeaders are on every REST answer: nobody stores it.
func restHeaders(c *fiber.Ctx, requestID string) {
	c.Set(headerRequestID, requestID)
	c.Set(fiber.HeaderCacheControl, noStore)
}

// fail answers errors of Fiber itself (no route, wrong method, a body or header
// over its limit) and panics of handlers, in the protocol that the path belongs to.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	if stream := c.Request().BodyStream(); stream != nil {
		s.bodies.drop(stream, c.Request().Header.ContentLength())
	}
	requestID := NewRequestID()
	status, code, detail := http.StatusInternalServerError, cognito.CodeInternal, "Internal error."
	if f, ok := errors.AsType[*fiber.Error](err); ok {
		switch {
		case f.Code == fiber.StatusNotFound:
			status, code, detail = fiber.StatusNotFound, codeNoRoute, "There is no such route."
		case f.Code == fiber.StatusMethodNotAllowed:
			status, code, detail = f.Code, codeMethod, "The route does not take this method."
		case f.Code == fiber.StatusRequestEntityTooLarge:
			status, code, detail = f.Code, cognito.CodeTooLarge, "The request's body is too large."
		case f.Code == fiber.StatusRequestHeaderFieldsTooLarge:
			status, code, detail = f.Code, codeHeaders, "The request's headers are too large."
		case f.Code == fiber.StatusRequestTimeout:
			status, code, detail = f.Code, codeTimeout, "The request did not arrive in time."
		case f.Code == fiber.StatusMisdirectedRequest:
			status, code = f.Code, codeHost
			detail = "This broker is not the host that the request names; hosts of its configuration adds names."
		case f.Code == fiber.StatusServiceUnavailable:
			status, code, detail = f.Code, codeBusy, "The broker has no room for the request's body now."
		default:
			if f.Code >= 400 && f.Code < 500 {
				status, code, detail = f.Code, codeBadRequest, "The request is malformed."
			}
		}
	}
	if onWire(c) && status != http.StatusNotFound {
		send(c, awswire.ErrorResponse(requestID, code, status, detail))
		if status == http.StatusServiceUnavailable {
			c.Response().Header.Set(fiber.HeaderRetryAfter, retryAfter)
		}
	} else {
		sendProblem(c, requestID, status, code, detail)
	}
	if code != codeHost {
		s.allowFailed(c)
	}
	s.finish(event{began: s.Now(), route: "-", op: opNone, code: code, status: status, requestID: requestID})
	return nil
}

// onWire reports whether a request speaks AWS's protocols.
func onWire(c *fiber.Ctx) bool {
	return c.Path() == "/" || len(c.Request().Header.Peek("X-Amz-Target")) > 0
}

// allowFailed sets, on an answer of fail, which origins may read it: those of the route's
// audience, or those of callers where the path belongs to no route.
func (s *Server) allowFailed(c *fiber.Ctx) {
	switch {
	case onWire(c):
		s.origins.allow(c, wireAudience(c), wireExpose)
	case s.appRoute[c.Route().Method+" "+c.Route().Path]:
		s.origins.allow(c, forApps, restExpose)
	default:
		s.origins.allow(c, forCallers, restExpose)
	}
}
