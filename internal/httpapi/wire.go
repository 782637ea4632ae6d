package httpapi

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

const (
	targetPrefix = "AWSCognitoIdentityService."
	wireContent  = "application/x-amz-json-1.1"
	wireExpose   = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
)

// wire answers POST /: by a replay where the same bytes were answered before and that
// answer is still valid, else by the full path through awswire.
func (s *Server) wire(c *fiber.Ctx) error {
	began := s.Now()
	target := c.Request().Header.Peek("X-Amz-Target")
	hot := s.hotWire[string(target)]
	var key cache.MemoKey
	class := s.classes.of(c)
	if hot != nil && replayable(&c.Request().Header) {
		key = s.Memo.Key(target, class, c.Request().Body())
		if s.replay(c, key, began, &wireResponder, hot) {
			return nil
		}
	} else {
		hot = nil
	}
	whose := wireAudience(c)
	if whose == forCallers && s.origins.foreign(c) {
		s.refuseForeign(c, began)
		return nil
	}
	held, err := s.bodies.decode(c, s.address, whose.values())
	if err != nil {
		return err
	}
	defer s.bodies.release(held)
	info := &flows.CallInfo{ClientFloor: s.classes.floor(class), Address: s.address(c)}
	ctx, cancel := context.WithTimeout(flows.WithCallInfo(context.Background(), info), s.RequestTimeout-s.Now().Sub(began))
	defer cancel()
	r := s.Wire.Serve(ctx, s.wireRequest(c))
	if hot != nil && info.Condition != nil && r.Status == fiber.StatusOK {
		s.Memo.Put(key, s.Now(), info.Condition, r.Body)
	}
	requestID := send(c, r)
	s.origins.allow(c, whose, wireExpose)
	if info.Outcome != "" && r.Status == fiber.StatusOK {
		c.Response().Header.Set(headerCache, string(info.Outcome))
	}
	s.finish(event{
		began: began, route: "POST /", op: r.Operation, code: r.Code, status: r.Status,
		outcome: info.Outcome, requestID: requestID, err: r.Err,
	})
	return nil
}

// replayable reports whether the full path would accept the header of a request on the
// wire: a replay must not answer what the full path refuses.
func replayable(h *fasthttp.RequestHeader) bool {
	return string(h.ContentType()) == wireContent && len(h.PeekAll("X-Amz-Target")) == 1 && !manyContentTypes(h)
}

// refuseForeign refuses a request for callers that a page of another origin sent.
func (s *Server) refuseForeign(c *fiber.Ctx, began time.Time) {
	const detail = "Pages of this origin may not act for callers; cors.caller_origins of the configuration adds origins."
	r := awswire.ErrorResponse(NewRequestID(), cognito.CodeAccessDenied, fiber.StatusBadRequest, detail)
	requestID := send(c, r)
	s.origins.allow(c, forCallers, wireExpose)
	s.finish(event{began: began, route: "POST /", op: r.Operation, code: r.Code, status: r.Status, requestID: requestID})
}

// wireRequest copies a request out of Fiber's buffers, because work that requests share
// may outlive the handler. It keeps all headers in their order, repeated ones too, for a
// signature covers them as they were sent.
func (s *Server) wireRequest(c *fiber.Ctx) *awswire.Request {
	r := &awswire.Request{
		Method:   strings.Clone(c.Method()),
		Path:     string(c.Request().URI().PathOriginal()),
		RawQuery: string(c.Request().URI().QueryString()),
		Body:     kept(c),
		Address:  s.address(c),
	}
	for name, value := range c.Request().Header.AllInOrder() {
		r.Headers = append(r.Headers, awswire.Header{Name: string(name), Value: string(value)})
	}
	return r
}

// send writes an answer with its header names spelled as awswire spells them,
// and returns its request id.
func send(c *fiber.Ctx, r *awswire.Response) (requestID string) {
	h := &c.Response().Header
	h.DisableNormalizing()
	c.Status(r.Status)
	if r.ContentType != "" {
		h.SetContentType(r.ContentType)
	}
	for _, header := range r.Headers {
		if isCORS(header.Name) {
			continue // s.origins sets these
		}
		h.Set(header.Name, header.Value)
		if strings.EqualFold(header.Name, "x-amzn-RequestId") {
			requestID = header.Value
		}
	}
	c.Response().SetBodyRaw(slices.Clip(r.Body))
	return requestID
}

// presigned answers GET /: calls of STS with their parameters in the query. Without a
// query there is no such route.
func (s *Server) presigned(c *fiber.Ctx) error {
	if len(c.Request().URI().QueryString()) == 0 {
		return fiber.ErrNotFound
	}
	return s.wire(c)
}
