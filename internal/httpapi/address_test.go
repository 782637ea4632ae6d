package httpapi

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Whose turn it is must not be what a client writes: only what a trusted proxy
// wrote counts, and an IPv6 client is its network.
func TestAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	app := fiber.New()
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"a client itself":                   {"192.0.2.1", nil, "192.0.2.1"},
		"a client that spoofs":              {"192.0.2.1", []string{"198.51.100.7"}, "192.0.2.1"},
		"behind a proxy":                    {"10.0.0.1", []string{"198.51.100.7"}, "198.51.100.7"},
		"behind a proxy, spoofing":          {"10.0.0.1", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"spoofing a proxy's address":        {"10.0.0.1", []string{"10.0.0.9, 198.51.100.7"}, "198.51.100.7"},
		"behind two proxies":                {"10.0.0.1", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		"two headers are one list":          {"10.0.0.1", []string{"203.0.113.9", "198.51.100.7,10.0.0.2"}, "198.51.100.7"},
		"a proxy itself":                    {"10.0.0.1", nil, "10.0.0.1"},
		"only proxies":                      {"10.0.0.1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"garbage":                           {"10.0.0.1", []string{"unknown"}, "10.0.0.1"},
		"garbage before the client":         {"10.0.0.1", []string{"<script>, 198.51.100.7"}, "198.51.100.7"},
		"garbage behind the client":         {"10.0.0.1", []string{"198.51.100.7, _hidden"}, "10.0.0.1"},
		"an empty entry":                    {"10.0.0.1", []string{"198.51.100.7, "}, "10.0.0.1"},
		"with a port":                       {"10.0.0.1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		"IPv6":                              {"2001:db8:1:2:3:4:5:6", nil, "2001:db8:1:2::/64"},
		"IPv6, its neighbour":               {"2001:db8:1:2:ffff::1", nil, "2001:db8:1:2::/64"},
		"IPv6 in brackets with a port":      {"fd00::1", []string{"[2001:db8:1:2::9]:443"}, "2001:db8:1:2::/64"},
		"IPv6 in brackets":                  {"fd00::1", []string{"[2001:db8:1:2::9]"}, "2001:db8:1:2::/64"},
		"IPv6 with a zone":                  {"fd00::1", []string{"2001:db8:1:2::9%eth7"}, "2001:db8:1:2::/64"},
		"IPv4 in IPv6":                      {"::ffff:192.0.2.1", nil, "192.0.2.1"},
		"IPv4 in IPv6 by the proxy":         {"::ffff:10.0.0.1", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"more proxies than are looked at":   {"10.0.0.1", []string{"198.51.100.7" + strings.Repeat(", 10.0.0.5", 40)}, "10.0.0.5"},
		"one more than is looked at":        {"10.0.0.1", []string{"198.51.100.7" + strings.Repeat(", 10.0.0.5", 32)}, "10.0.0.5"},
		"as many proxies as are looked at":  {"10.0.0.1", []string{"198.51.100.7" + strings.Repeat(", 10.0.0.5", 31)}, "198.51.100.7"},
		"a proxy's address in another form": {"10.0.0.1", []string{"198.51.100.7, ::ffff:10.0.0.2"}, "198.51.100.7"},
	} {
		var raw fasthttp.RequestCtx
		raw.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.ParseIP(c.remote), Port: 1}, nil)
		for _, line := range c.forwarded {
			raw.Request.Header.Add("X-Forwarded-For", line)
		}
		ctx := app.AcquireCtx(&raw)
		s := &Server{Config: Config{TrustedProxies: proxies}}
		if got := s.address(ctx); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		bare := &Server{}
		raw.Request.Header.Del("X-Forwarded-For")
		own := bare.address(ctx)
		for _, line := range c.forwarded {
			raw.Request.Header.Add("X-Forwarded-For", line)
		}
		if got := bare.address(ctx); got != own {
			t.Errorf("%s, nobody trusted: got %s, want the connection's %s", name, got, own)
		}
		app.ReleaseCtx(ctx)
	}
}
