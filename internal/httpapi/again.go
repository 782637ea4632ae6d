package httpapi

import (
	"encoding/json"
	"runtime"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// face is how credentials are answered: by the wire or in REST.
type face struct {
	header    *fasthttp.ResponseHeader // all but the request's id
	requestID string                   // what that is called
	expose    string                   // to pages
	body      func(dst []byte, seen *cache.EntryView, refreshAfter time.Time) []byte
}

var (
	wireFace = face{
		header: madeHeader(wireContent, [][2]string{
			{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", wireExpose}, {headerCache, string(flows.Hit)},
		}),
		requestID: "x-amzn-RequestId", expose: wireExpose,
		body: func(dst []byte, g *cache.EntryView, _ time.Time) []byte {
			return awswire.AppendCredentials(dst, g.IdentityID, g.AccessKeyID, g.SecretKey, g.SessionToken, g.Expires)
		},
	}
	restFace = face{
		header: madeHeader(fiber.MIMEApplicationJSON, [][2]string{
			{fiber.HeaderCacheControl, noStore}, {fiber.HeaderAccessControlAllowOrigin, "*"},
			{fiber.HeaderAccessControlExposeHeaders, restExpose}, {headerCache, string(flows.Hit)},
		}),
		requestID: headerRequestID, expose: restExpose,
		body: appendGrant,
	}
)

// madeHeader is a header whose names are spelt as they are here.
func madeHeader(content string, fields [][2]string) *fasthttp.ResponseHeader {
	h := new(fasthttp.ResponseHeader)
	h.DisableNormalizing()
	h.SetContentType(content)
	for _, f := range fields {
		h.Add(f[0], f[1])
	}
	return h
}

// head sets the header of an answer, in place of all that was set before.
func (f *face) head(h *fasthttp.ResponseHeader) {
	f.header.CopyTo(h)
	h.AddBytesV(f.requestID, appendRequestID(make([]byte, 0, 36)))
}

// head sets the header of an answer for apps.
func (s *Server) head(c *fiber.Ctx, f *face) {
	f.head(&c.Response().Header)
	if !s.origins.any { // which the face says
		s.origins.allow(c, forApps, f.expose)
	}
}

// again answers a request that was answered before to the same bytes, and still may
// be: from the memo, or with what the fleet keeps. It reports whether it did.
func (s *Server) again(c *fiber.Ctx, key cache.MemoKey, began time.Time, f *face, hot *telemetry.Hot) bool {
	body, life, guard := s.Memo.Get(key, began)
	if body != nil {
		s.head(c, f)
		c.Response().SetBodyRaw(body)
		hot.Hit(s.Now().Sub(began), life)
		return true
	}
	if guard == nil {
		return false
	}
	seen, now := s.Flows.Again(s.patience.context(), guard)
	if seen == nil {
		s.Memo.DropStale(key, s.Now())
		return false
	}
	s.head(c, f)
	b := c.Response().SwapBody(nil) // the response's own buffer
	c.Response().SwapBody(f.body(b[:0], seen, guard.Entry.RefreshAfter(guard.Floor)))
	hot.HitShared(now.Sub(began), seen.Expires.Sub(now))
	seen.Release()
	// Others were woken by the same round trip. All answers are made before the first is
	// written: what makes them is still in the processor's caches then.
	runtime.Gosched()
	return true
}

// appendGrant appends the body of a grant, the same to the byte as the full way
// encodes it.
func appendGrant(dst []byte, g *cache.EntryView, refreshAfter time.Time) []byte {
	dst = appendText(append(dst, `{"identityId":`...), g.IdentityID)
	dst = appendText(append(dst, `,"credentials":{"accessKeyId":`...), g.AccessKeyID)
	dst = appendText(append(dst, `,"secretAccessKey":`...), g.SecretKey)
	dst = appendText(append(dst, `,"sessionToken":`...), g.SessionToken)
	dst = appendMoment(append(dst, `,"expiration":`...), g.Expires)
	dst = appendMoment(append(dst, `},"refreshAfter":`...), refreshAfter.Truncate(time.Second))
	return append(dst, '}')
}

// appendText appends a JSON text as encoding/json writes it.
func appendText(dst, text []byte) []byte {
	for _, c := range text {
		if !plain[c] {
			spelt, _ := json.Marshal(string(text)) // a text always encodes
			return append(dst, spelt...)
		}
	}
	dst = append(append(dst, '"'), text...)
	return append(dst, '"')
}

// plain are the bytes that stand for themselves in a JSON text.
var plain = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return is
}()

// appendMoment appends a time as encoding/json writes it.
func appendMoment(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano)
	return append(dst, '"')
}
