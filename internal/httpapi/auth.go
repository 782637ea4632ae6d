package httpapi

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Codes of refused callers; the wire has the same.
const (
	codeNoAuthentication = "MissingAuthenticationTokenException"
	codeUnknownClient    = "UnrecognizedClientException"
)

const bearer = "Bearer "

// caller authenticates a backend or an administrator: by API key, or by SigV4 as
// on the wire.
func (s *Server) caller(c *fiber.Ctx) (*callers.Caller, error) {
	headers := c.Request().Header.PeekAll(fiber.HeaderAuthorization)
	if len(headers) == 0 && len(c.Request().URI().QueryString()) == 0 {
		return nil, edgeError(codeNoAuthentication, "The route is for callers: send Authorization: Bearer <api key>, or sign the request.")
	}
	if len(headers) != 1 || len(headers[0]) < len(bearer) || !strings.EqualFold(string(headers[0][:len(bearer)]), bearer) {
		return s.Wire.Authenticate(wireRequest(c))
	}
	who, ok := s.Callers.ByAPIKey(string(headers[0][len(bearer):]))
	if !ok {
		return nil, edgeError(codeUnknownClient, "The API key is not valid.")
	}
	return who, nil
}

// permit lets the caller of a REST route do what the operation behind it does, on
// the pool that the path names.
func (s *Server) permit(ctx context.Context, who *callers.Caller, operation, pool string) error {
	return awswire.Authorize(ctx, who, s.PoolOf, operation, members(map[string]any{"IdentityPoolId": optional(pool)}))
}

// permitScope is for what belongs to no operation of the service: the broker's
// own administration, which concerns all pools.
func permitScope(who *callers.Caller, scope callers.Scope) error {
	if !who.May(scope, "") {
		return edgeError(cognito.CodeAccessDenied, "The caller may not do this.")
	}
	return nil
}

func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
