package httpapi

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// preflight answers a browser that asks whether a page may send a request: as the wire does
// (docs/cognito.md#signatures-and-browsers) where it may, with 403 where not.
func (s *Server) preflight(c *fiber.Ctx, whose audience, methods string, headers func(list string) string) {
	granted := s.origins.grant(whose, c.Get(fiber.HeaderOrigin))
	h := &c.Response().Header
	h.DisableNormalizing()
	if granted != "*" {
		h.Set(fiber.HeaderVary, fiber.HeaderOrigin)
	}
	if granted == "" {
		s.refusePreflight(c)
		return
	}
	for _, header := range awswire.Preflight(string(c.Request().Header.Peek(fiber.HeaderAccessControlRequestHeaders))) {
		switch header.Name {
		case fiber.HeaderAccessControlAllowOrigin:
			header.Value = granted
		case fiber.HeaderAccessControlAllowMethods:
			header.Value = methods
		case fiber.HeaderAccessControlAllowHeaders:
			header.Value = headers(header.Value)
		}
		h.Set(header.Name, header.Value)
	}
	h.SetBytesV("x-amzn-RequestId", appendRequestID(nil))
}

func (s *Server) refusePreflight(c *fiber.Ctx) {
	const detail = "Pages of this origin may not send this request."
	if onWire(c) {
		send(c, awswire.ErrorResponse(NewRequestID(), cognito.CodeAccessDenied, fiber.StatusForbidden, detail))
		return
	}
	sendProblem(c, NewRequestID(), fiber.StatusForbidden, cognito.CodeAccessDenied, detail)
}

// wirePreflight is for all operations alike: which one a page will ask for cannot be told.
// Only pages of callers may sign as callers do.
func (s *Server) wirePreflight(c *fiber.Ctx) error {
	headers := withoutAuthorization
	if s.origins.grant(forCallers, c.Get(fiber.HeaderOrigin)) != "" {
		headers = func(list string) string { return list }
	}
	s.preflight(c, forApps, fiber.MethodPost, headers)
	return nil
}

// methods are those of one path, by whom they are for.
type methods [2][]string

// mountPreflights answers preflights of every REST path. Paths come in the order of the
// routes, for one pattern may take another's paths.
func (s *Server) mountPreflights(routes []route) {
	var paths []string
	all := map[string]*methods{}
	for _, r := range routes {
		if all[r.path] == nil {
			paths, all[r.path] = append(paths, r.path), new(methods)
		}
		of := &all[r.path][r.audience()]
		*of = append(*of, r.method)
		if r.method == fiber.MethodGet {
			*of = append(*of, fiber.MethodHead)
		}
	}
	for _, path := range paths {
		m := all[path]
		s.app.Options(path, func(c *fiber.Ctx) error {
			whose := forCallers
			if len(m[forCallers]) == 0 || slices.Contains(m[forApps], c.Get(fiber.HeaderAccessControlRequestMethod)) {
				whose = forApps
			}
			s.preflight(c, whose, strings.Join(m[whose], ","), func(list string) string { return list })
			return nil
		})
	}
}
