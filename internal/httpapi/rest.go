package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// call is a REST request on its way through a handler.
type call struct {
	ctx       context.Context
	operation string // the route's
	pool      string
	tree      map[string]any // the body, decoded strictly
	ask       *flows.Ask
	who       *callers.Caller // of routes for callers; nil on those for apps
}

// handler answers with a value that becomes the body; nil is an empty 204.
type handler func(call) (any, error)

// rest wraps a route in what all REST routes share: the memo, content type,
// authentication, strict decoding, deadline, errors, headers, metrics, log.
func (s *Server) rest(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		began := s.Now()
		class := s.classes.of(c)
		var key cache.MemoKey
		if r.op == opGrant && string(c.Request().Header.ContentType()) == fiber.MIMEApplicationJSON {
			key = s.Memo.Key(c.Request().URI().PathOriginal(), class, c.Request().Body())
			if body, life, ok := s.Memo.Get(key, began); ok {
				s.remembered(c, body)
				s.hotGrant.Hit(s.Now().Sub(began), life)
				return nil
			}
		}
		requestID := NewRequestID()
		ask := &flows.Ask{ClientFloor: s.classes.floor(class), Address: s.address(c)}
		ctx, cancel := context.WithTimeout(flows.WithAsk(context.Background(), ask), s.RequestTimeout)
		defer cancel()
		e := event{began: began, route: strings.Clone(c.Route().Path), op: r.op, status: fiber.StatusOK, requestID: requestID}
		body, err := s.answer(ctx, c, ask, r)
		if err != nil {
			e.status, e.code = refuse(c, requestID, err)
			e.err = err
			s.finish(e)
			return nil
		}
		restHeaders(c, requestID)
		if e.outcome = ask.Outcome; e.outcome != "" {
			c.Set(headerCache, string(e.outcome))
		}
		if body == nil {
			e.status = fiber.StatusNoContent
			c.Status(e.status)
		} else {
			c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
			c.Response().SetBodyRaw(body)
		}
		if key != (cache.MemoKey{}) && ask.Guard != nil {
			s.Memo.Put(key, s.Now(), ask.Guard, body)
		}
		s.finish(e)
		return nil
	}
}

// remembered answers from the memo.
func (s *Server) remembered(c *fiber.Ctx, body []byte) {
	h := &c.Response().Header
	h.DisableNormalizing()
	h.SetContentType(fiber.MIMEApplicationJSON)
	h.AddBytesV(headerRequestID, appendRequestID(make([]byte, 0, 36)))
	h.Add(fiber.HeaderCacheControl, noStore)
	h.Add(fiber.HeaderAccessControlAllowOrigin, "*")
	h.Add(fiber.HeaderAccessControlExposeHeaders, restExpose)
	h.Add(headerCache, string(flows.Hit))
	c.Response().SetBodyRaw(body)
}

// answer is the one way through a route: decode, authenticate, call, encode.
func (s *Server) answer(ctx context.Context, c *fiber.Ctx, ask *flows.Ask, r route) (body []byte, err error) {
	in := call{ctx: ctx, operation: r.operation, ask: ask}
	if in.pool, err = url.PathUnescape(strings.Clone(c.Params("pool"))); err != nil {
		return nil, cognito.Validation("The pool id in the path is not percent-encoded correctly.")
	}
	if in.tree, err = decodeBody(c, r.bodyless); err != nil {
		return nil, err
	}
	if r.forCallers() {
		if in.who, err = s.caller(c); err != nil {
			return nil, err
		}
		in.ctx = callers.With(ctx, in.who)
		if r.scope != "" {
			err = permitScope(in.who, r.scope)
		} else {
			err = s.permit(ctx, in.who, r.operation, in.pool)
		}
		if err != nil {
			return nil, err
		}
	}
	value, err := r.handle(in)
	if err != nil || value == nil {
		return nil, err
	}
	if body, err = json.Marshal(value); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return body, nil
}

// decodeBody reads a body strictly. A route without input takes an empty one, or
// an empty object.
func decodeBody(c *fiber.Ctx, bodyless bool) (map[string]any, error) {
	if bodyless && len(c.Request().Body()) == 0 {
		return map[string]any{}, nil
	}
	if media, _, err := mime.ParseMediaType(string(c.Request().Header.ContentType())); err != nil || media != fiber.MIMEApplicationJSON {
		return nil, edgeError(codeContentType, "The body must be application/json.")
	}
	return awswire.DecodeObject(bytes.Clone(c.Request().Body()))
}
