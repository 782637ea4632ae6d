package httpapi

import (
	"context"
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

// call is what a handler knows of a request beside its input.
type call struct {
	ctx    context.Context
	path   string // the route's pattern
	params        // of the path
	info   *flows.CallInfo
	who    *callers.Caller // of routes for callers; nil on those for apps
}

// rest wraps a route in what all REST routes share: the memo, content type,
// authentication, strict decoding, deadline, errors, headers, metrics, log.
func (s *Server) rest(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		began := s.Now()
		class := s.classes.of(c)
		var key cache.MemoKey
		if r.op == opGrant && string(c.Request().Header.ContentType()) == fiber.MIMEApplicationJSON &&
			!manyContentTypes(&c.Request().Header) {
			key = s.Memo.Key(c.Request().URI().PathOriginal(), class, c.Request().Body())
			if s.replay(c, key, began, &restResponder, s.hotGrant) {
				return nil
			}
		}
		held, err := s.bodies.decode(c, s.address, r.audience().values())
		if err != nil {
			return err
		}
		defer s.bodies.release(held)
		requestID := NewRequestID()
		info := &flows.CallInfo{ClientFloor: s.classes.floor(class), Address: s.address(c)}
		ctx, cancel := context.WithTimeout(
			flows.WithCallInfo(context.Background(), info), s.RequestTimeout-s.Now().Sub(began),
		)
		defer cancel()
		e := event{began: began, route: strings.Clone(c.Route().Path), op: r.op, status: fiber.StatusOK, requestID: requestID}
		a, err := s.answer(ctx, c, info, r)
		s.origins.allow(c, r.audience(), restExpose)
		if err != nil {
			e.status, e.code = refuse(c, requestID, err)
			e.err = err
			s.finish(e)
			return nil
		}
		restHeaders(c, requestID)
		if e.outcome = info.Outcome; e.outcome != "" {
			c.Set(headerCache, string(e.outcome))
		}
		a.write(c)
		e.status = a.status
		if key != (cache.MemoKey{}) && info.Condition != nil {
			s.Memo.Put(key, s.Now(), info.Condition, a.body)
		}
		s.finish(e)
		return nil
	}
}

// answer is the one way through a route: authenticate, decode, serve. Callers are
// authenticated before their body is decoded.
func (s *Server) answer(ctx context.Context, c *fiber.Ctx, info *flows.CallInfo, r route) (a reply, err error) {
	in := call{ctx: ctx, path: r.path, info: info}
	if err = oneContentType(c); err != nil {
		return a, err
	}
	if in.params, err = paramsOf(c); err != nil {
		return a, err
	}
	if r.forCallers() {
		if in.who, err = s.caller(c); err != nil {
			return a, err
		}
		in.ctx = callers.With(ctx, in.who)
		if err = permit(&r, in.who, in.pool); err != nil {
			return a, err
		}
	}
	got, err := receive(c, &r)
	if err != nil {
		return a, err
	}
	if r.before != nil {
		if err = r.before(in); err != nil {
			return a, err
		}
	}
	return r.serve(in, got)
}

// receive decodes the body and the query of a request, as far as its route looks at them.
func receive(c *fiber.Ctx, r *route) (got received, err error) {
	got.bodyless = r.bodyless
	if got.body, err = decodeBody(c, r); err != nil {
		return got, err
	}
	if r.query {
		if got.query, err = url.ParseQuery(string(c.Request().URI().QueryString())); err != nil {
			return got, cognito.Serialization("The query is not encoded correctly.")
		}
	}
	return got, nil
}

// params are what the path of a request names.
type params struct{ pool, identity, provider string }

func paramsOf(c *fiber.Ctx) (p params, err error) {
	for name, into := range map[string]*string{"pool": &p.pool, "identity": &p.identity, "provider": &p.provider} {
		if *into, err = url.PathUnescape(strings.Clone(c.Params(name))); err != nil {
			return p, cognito.Validation("The path is not percent-encoded correctly.")
		}
	}
	return p, nil
}

// decodeBody reads a body strictly. A route without input takes an empty one, or
// an empty object.
func decodeBody(c *fiber.Ctx, r *route) (map[string]any, error) {
	if r.bodyless && len(c.Request().Body()) == 0 {
		return map[string]any{}, nil
	}
	media, parameters, err := mime.ParseMediaType(string(c.Request().Header.ContentType()))
	if err != nil || media != fiber.MIMEApplicationJSON {
		return nil, edgeError(codeContentType, "The body must be application/json.")
	}
	if charset, given := parameters["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return nil, edgeError(codeContentType, "The body must be in UTF-8.")
	}
	return awswire.DecodeObject(kept(c), r.audience().values())
}
