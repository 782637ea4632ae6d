package httpapi

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
)

// audience is for whom a route or operation is.
type audience int

const (
	forApps audience = iota
	forCallers
)

// origins say whose pages may read answers: those to apps, and those to callers, which no
// page may unless it is named.
type origins struct {
	any           bool // all pages those to apps
	apps, callers []string
	own           string // the broker's own origin
}

func newOrigins(apps, callers []string, publicURL string) *origins {
	own, _, _ := cutURL(publicURL)
	return &origins{any: slices.Contains(apps, "*"), apps: apps, callers: callers, own: own}
}

// cutURL returns the origin of a URL, as browsers write it, and its host with port.
func cutURL(text string) (origin, host string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", "", false
	}
	return strings.ToLower(u.Scheme + "://" + u.Host), strings.ToLower(u.Host), true
}

// grant is what an answer to a page of origin has for Access-Control-Allow-Origin; empty: it
// has none. Pages of callers may call what apps may.
func (o *origins) grant(whose audience, origin string) string {
	switch {
	case whose == forApps && o.any:
		return "*"
	case origin == "":
		return ""
	case slices.Contains(o.callers, origin), whose == forApps && slices.Contains(o.apps, origin):
		return origin
	}
	return ""
}

// foreign reports whether a request comes from a page of an origin that may not act for
// callers. Preflights alone do not stop it: all operations share one path, so a browser that
// allowed a page one request there sends others too, and only hides their answers.
func (o *origins) foreign(c *fiber.Ctx) bool {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" || origin == o.own || slices.Contains(o.callers, origin) {
		return false
	}
	_, host, ok := cutURL(origin)
	return !ok || host != strings.ToLower(string(c.Request().Header.Host()))
}

// allow has an answer say whose pages may read it, and expose these headers.
func (o *origins) allow(c *fiber.Ctx, whose audience, expose string) {
	h := &c.Response().Header
	h.Del(fiber.HeaderAccessControlAllowOrigin)
	h.Del(fiber.HeaderAccessControlExposeHeaders)
	granted := o.grant(whose, c.Get(fiber.HeaderOrigin))
	if granted != "*" { // caches keep answers to different pages apart
		h.Set(fiber.HeaderVary, fiber.HeaderOrigin)
	}
	if granted != "" {
		h.Set(fiber.HeaderAccessControlAllowOrigin, granted)
		h.Set(fiber.HeaderAccessControlExposeHeaders, expose)
	}
}

const headerSecurityToken = "X-Amz-Security-Token"

// wireAudience is for whom a request on the wire is. Operations that need a signature are for
// callers. STS is for apps, but for a signature without a session's token: that is a caller's.
func wireAudience(c *fiber.Ctx) audience {
	h := &c.Request().Header
	if target := h.Peek("X-Amz-Target"); len(target) > 0 {
		name, ok := strings.CutPrefix(string(target), targetPrefix)
		if ok && awswire.NeedsCaller(name) {
			return forCallers
		}
		return forApps
	}
	query := c.Request().URI().QueryArgs()
	signed := len(h.Peek(fiber.HeaderAuthorization)) > 0 && len(h.Peek(headerSecurityToken)) == 0
	presigned := query.Has("X-Amz-Signature") && len(query.Peek(headerSecurityToken)) == 0
	if signed || presigned {
		return forCallers
	}
	return forApps
}

// withoutAuthorization removes Authorization from a list of headers that a page may send,
// unless X-Amz-Security-Token is in the list: then a session signs, as apps do.
func withoutAuthorization(list string) string {
	names := strings.Split(list, ",")
	is := func(want string) func(string) bool {
		return func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), want) }
	}
	if slices.ContainsFunc(names, is(headerSecurityToken)) {
		return list
	}
	return strings.Join(slices.DeleteFunc(names, is(fiber.HeaderAuthorization)), ",")
}

// isCORS reports whether a header is one of those that awswire sets for every origin.
func isCORS(name string) bool {
	return strings.HasPrefix(strings.ToLower(name), "access-control-")
}
