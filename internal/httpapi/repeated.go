package httpapi

import (
	"bytes"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

var contentTypeField = []byte("Content-Type:")

// manyContentTypes reports whether a request has more than one Content-Type. fasthttp
// returns only the last one, while a proxy in front of the broker may have gone by the first.
func manyContentTypes(h *fasthttp.RequestHeader) bool {
	seen := false
	for rest := h.RawHeaders(); len(rest) > 0; {
		line := rest
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			line, rest = rest[:end], rest[end+1:]
		} else {
			rest = nil
		}
		if len(line) < len(contentTypeField) || !bytes.EqualFold(line[:len(contentTypeField)], contentTypeField) {
			continue
		}
		if seen {
			return true
		}
		seen = true
	}
	return false
}

// oneContentType refuses a REST request that has more than one.
func oneContentType(c *fiber.Ctx) error {
	if manyContentTypes(&c.Request().Header) {
		return edgeError(codeContentType, "Content-Type must be sent once.")
	}
	return nil
}
