package httpapi

import (
	"runtime"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// replayPart is the part of a request's time that a replay may take; with the spread of
// the shared deadline it is half as much again. A replay that did not finish by then is
// given up, and the full path answers in the time that is left.
const replayPart = 4

// replay answers a request whose very bytes were answered before, as long as that answer
// is still valid: with the memo's own copy, or with the entry that the fleet keeps. It
// reports whether it answered; if not, the full path has to.
func (s *Server) replay(c *fiber.Ctx, key cache.MemoKey, began time.Time, r *responder, hot *telemetry.Hot) bool {
	body, life, condition := s.Memo.Get(key, began)
	if body != nil {
		s.respond(c, r)
		write(c, body.AppendTo)
		hot.Hit(s.Now().Sub(began), life)
		return true
	}
	if condition == nil {
		return false
	}
	seen, now := s.Flows.Replay(s.deadline.context(), condition)
	if seen == nil {
		s.Memo.DropStale(key, s.Now())
		return false
	}
	s.respond(c, r)
	refreshAfter := condition.Entry.RefreshAfter(condition.Floor)
	write(c, func(dst []byte) []byte { return r.body(dst, seen, refreshAfter) })
	hot.HitShared(now.Sub(began), seen.Expires.Sub(now))
	seen.Release()
	// One round trip to Redis woke several requests like this one. Yielding here lets all
	// of them build their answers before the first is written to its socket, while the
	// code and data for it are in the processor's caches.
	runtime.Gosched()
	return true
}

// write has the body of a response appended to the response's own buffer, which is used
// again.
func write(c *fiber.Ctx, appendTo func(dst []byte) []byte) {
	b := c.Response().SwapBody(nil)
	c.Response().SwapBody(appendTo(b[:0]))
}
