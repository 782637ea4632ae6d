package httpapi

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
)

// preflight answers browsers as the wire does (reference 1.6).
func (s *Server) preflight(c *fiber.Ctx) error {
	h := &c.Response().Header
	h.DisableNormalizing()
	for _, header := range awswire.Preflight(string(c.Request().Header.Peek(fiber.HeaderAccessControlRequestHeaders))) {
		h.Set(header.Name, header.Value)
	}
	h.SetBytesV("x-amzn-RequestId", appendRequestID(nil))
	return nil
}

// mountPreflights lets browsers ask for the methods of every REST path. Paths come
// in the order of the routes, for one pattern may take another's paths.
func (s *Server) mountPreflights(routes []route) {
	var paths []string
	methods := map[string][]string{}
	for _, r := range routes {
		if !slices.Contains(paths, r.path) {
			paths = append(paths, r.path)
		}
		methods[r.path] = append(methods[r.path], r.method)
		if r.method == fiber.MethodGet {
			methods[r.path] = append(methods[r.path], fiber.MethodHead)
		}
	}
	for _, path := range paths {
		allowed := strings.Join(methods[path], ",")
		s.app.Options(path, func(c *fiber.Ctx) error {
			if err := s.preflight(c); err != nil {
				return err
			}
			c.Response().Header.Set(fiber.HeaderAccessControlAllowMethods, allowed)
			return nil
		})
	}
}
