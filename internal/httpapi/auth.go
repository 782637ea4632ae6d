package httpapi

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Codes of refused callers; the wire has the same.
const (
	codeNoAuthentication  = "MissingAuthenticationTokenException"
	codeUnknownClient     = "UnrecognizedClientException"
	codeInvalidSignature  = "InvalidSignatureException"
	codeIncompleteSigning = "IncompleteSignatureException"
)

const bearer = "Bearer "

// caller authenticates a backend or an administrator: by API key, or by SigV4 as
// on the wire. Wrong ones are limited by address; a right one never is.
func (s *Server) caller(c *fiber.Ctx) (*callers.Caller, error) {
	headers := c.Request().Header.PeekAll(fiber.HeaderAuthorization)
	if len(headers) == 0 && len(c.Request().URI().QueryString()) == 0 {
		return nil, edgeError(codeNoAuthentication,
			"The route is for callers: send Authorization: Bearer <api key>, or sign the request.")
	}
	if len(headers) != 1 || len(headers[0]) < len(bearer) || !strings.EqualFold(string(headers[0][:len(bearer)]), bearer) {
		return s.Wire.Authenticate(s.wireRequest(c))
	}
	who, ok := s.Callers.ByAPIKey(string(headers[0][len(bearer):]))
	if !ok {
		return nil, s.wrongKey(c)
	}
	return who, nil
}

// wrongKey refuses an API key that is nobody's, and one beyond the limit as such.
func (s *Server) wrongKey(c *fiber.Ctx) error {
	if s.Failed != nil {
		if wait := s.Failed(s.address(c), callers.WrongAPIKey); wait > 0 {
			return awswire.TooOften(&callers.TooOften{Wait: wait})
		}
	}
	return edgeError(codeUnknownClient, "The API key is not valid.")
}

// permit lets the caller of a REST route do what the operation behind it does, on
// the pool that the path names; the broker's own administration, which belongs to
// no operation of the service, goes by scope.
func permit(r *route, who *callers.Caller, pool string) error {
	if r.operation != "" {
		return awswire.AuthorizePool(who, r.operation, pool)
	}
	if !who.May(r.scope, pool) {
		return edgeError(cognito.CodeAccessDenied, "The caller may not do this.")
	}
	return nil
}

// place refuses callers of some pools an identity that is not known to be of the path's
// pool, as if it did not exist. For callers of any pool package flows refuses an identity
// that is known to be of another pool.
func (h *handlers) place(r call, id string) error {
	if r.who.May(callers.Admin, "") {
		return nil
	}
	pool, ok, err := h.PoolOf(r.ctx, id)
	switch {
	case err != nil && cognito.Passing(err):
		return fmt.Errorf("find the pool of an identity: %w", err)
	case err != nil || !ok || pool != r.pool:
		return cognito.IdentityNotFound(id)
	}
	return nil
}
