package httpapi

import (
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"
)

// created is an answer to a request that made something.
type created struct {
	location string // its path
	body     any
}

// reply is what a route answers; without a body it is an empty 204.
type reply struct {
	status   int
	location string
	body     []byte
}

func encoded(value any) (a reply, err error) {
	a.status = fiber.StatusOK
	if made, ok := value.(created); ok {
		a.status, a.location, value = fiber.StatusCreated, made.location, made.body
	}
	if value == nil {
		a.status = fiber.StatusNoContent
		return a, nil
	}
	if a.body, err = json.Marshal(value); err != nil {
		return a, fmt.Errorf("encode answer: %w", err)
	}
	return a, nil
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
