package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"
)

func (s *Server) healthz(c *fiber.Ctx) error {
	return c.JSON(fiber.Map{"status": "ok"})
}

// readyz is 503 only when misses cannot be answered, or when the broker drains.
func (s *Server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.RequestTimeout)
	defer cancel()
	reasons := append([]Reason{}, s.Ready(ctx)...)
	if s.draining.Load() {
		reasons = append(reasons, Reason{Part: "server", Reason: "draining"})
	}
	status, code := "ok", fiber.StatusOK
	for _, r := range reasons {
		if !r.Degraded {
			status, code = "unavailable", fiber.StatusServiceUnavailable
			break
		}
		status = "degraded"
	}
	return c.Status(code).JSON(fiber.Map{"status": status, "reasons": reasons})
}
