package httpapi

import (
	"net"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// errHost refuses a request whose Host is none of the broker's names.
var errHost = fiber.NewError(fiber.StatusMisdirectedRequest)

// hosts are the host names that requests may have, in lower case. localhost and plain IP
// addresses are always allowed. Other names are not, because the owner of a domain can point
// it at this machine and so have a page of his reach the broker (DNS rebinding).
type hosts map[string]bool

func newHosts(names []string) hosts {
	h := hosts{"localhost": true}
	for _, name := range names {
		h[hostName(name)] = true
	}
	return h
}

// hostName is a name in the form that is compared.
func hostName(text string) string { return strings.TrimSuffix(strings.ToLower(text), ".") }

// good reports whether a Host may be answered. Its port does not matter.
func (h hosts) good(host string) bool {
	name := host
	if head, _, err := net.SplitHostPort(host); err == nil {
		name = head
		if strings.HasPrefix(host, "[") {
			name = "[" + head + "]"
		}
	}
	if bare, ok := strings.CutPrefix(name, "["); ok {
		bare, ok = strings.CutSuffix(bare, "]")
		addr, _ := netip.ParseAddr(bare) // which is of no family where it is none
		return ok && addr.Is6() && addr.Zone() == ""
	}
	addr, _ := netip.ParseAddr(name)
	return addr.Is4() || h[hostName(name)]
}

// hosted passes on requests for allowed hosts and those of health checks, and refuses all
// others. A request target that is a whole URL has to name an allowed host too, beside the
// Host header.
func (s *Server) hosted(h hosts, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		path := string(ctx.URI().PathOriginal())
		health := path == "/healthz" || path == "/readyz"
		if health || h.good(string(ctx.Request.Header.Host())) && h.good(string(ctx.URI().Host())) {
			next(ctx)
			return
		}
		c := s.app.AcquireCtx(ctx)
		defer s.app.ReleaseCtx(c)
		_ = s.fail(c, errHost) // never fails
	}
}
