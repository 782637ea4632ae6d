package httpapi

import (
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"
)

// reply is what a route answers; without a body it is an empty 204.
type reply struct {
	status   int
	location string // the path of what was made
	body     []byte
}

// encoded is a successful reply with an answer as its body; without an answer it is an
// empty 204.
func encoded[Out any](answer *Out) (r reply, err error) {
	if answer == nil {
		return reply{status: fiber.StatusNoContent}, nil
	}
	r.status = fiber.StatusOK
	if r.body, err = json.Marshal(answer); err != nil {
		return r, fmt.Errorf("encode answer: %w", err)
	}
	return r, nil
}

func (a *reply) write(c *fiber.Ctx) {
	c.Status(a.status)
	if a.location != "" {
		c.Set(fiber.HeaderLocation, a.location)
	}
	if a.body != nil {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		c.Response().SetBodyRaw(a.body)
	}
}
