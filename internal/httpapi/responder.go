package httpapi

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// responder builds answers with credentials in one of the two protocols: the wire's or
// REST's.
type responder struct {
	header    *fasthttp.ResponseHeader // of every answer, except for the request id
	requestID string                   // name of the header with the request id
	expose    string                   // names of the headers that scripts of pages may read
	body      func(dst []byte, seen *cache.EntryView, refreshAfter time.Time) []byte
}

var (
	wireResponder = responder{
		header: madeHeader(wireContent, [][2]string{
			{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", wireExpose},
			{headerCache, string(flows.Hit)},
		}),
		requestID: "x-amzn-RequestId", expose: wireExpose,
		body: func(dst []byte, g *cache.EntryView, _ time.Time) []byte {
			return awswire.AppendCredentials(dst, g.IdentityID, g.AccessKeyID, g.SecretKey, g.SessionToken, g.Expires)
		},
	}
	restResponder = responder{
		header: madeHeader(fiber.MIMEApplicationJSON, [][2]string{
			{fiber.HeaderCacheControl, noStore}, {fiber.HeaderAccessControlAllowOrigin, "*"},
			{fiber.HeaderAccessControlExposeHeaders, restExpose}, {headerCache, string(flows.Hit)},
		}),
		requestID: headerRequestID, expose: restExpose,
		body: appendGrant,
	}
)

// madeHeader returns a header whose names keep the spelling that they are given here.
func madeHeader(content string, fields [][2]string) *fasthttp.ResponseHeader {
	h := new(fasthttp.ResponseHeader)
	h.DisableNormalizing()
	h.SetContentType(content)
	for _, f := range fields {
		h.Add(f[0], f[1])
	}
	return h
}

// respond replaces the header of an answer by the responder's, with a new request id.
func (r *responder) respond(h *fasthttp.ResponseHeader) {
	r.header.CopyTo(h)
	h.AddBytesV(r.requestID, appendRequestID(make([]byte, 0, 36)))
}

// respond replaces the header of an answer to an app.
func (s *Server) respond(c *fiber.Ctx, r *responder) {
	r.respond(&c.Response().Header)
	if !s.origins.any { // otherwise the responder's own header allows every origin
		s.origins.allow(c, forApps, r.expose)
	}
}

// appendGrant appends the body of a grant, byte for byte as the full path encodes it.
func appendGrant(dst []byte, g *cache.EntryView, refreshAfter time.Time) []byte {
	dst = appendText(append(dst, `{"identityId":`...), g.IdentityID)
	dst = appendText(append(dst, `,"credentials":{"accessKeyId":`...), g.AccessKeyID)
	dst = appendText(append(dst, `,"secretAccessKey":`...), g.SecretKey)
	dst = appendText(append(dst, `,"sessionToken":`...), g.SessionToken)
	dst = appendMoment(append(dst, `,"expiration":`...), g.Expires)
	dst = appendMoment(append(dst, `},"refreshAfter":`...), refreshAfter.Truncate(time.Second))
	return append(dst, '}')
}

// appendText appends a JSON string as encoding/json writes it.
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

// plain holds the bytes that encoding/json writes unescaped in a string.
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
